// Reads and builds jsonb.
#include "pg/jsonb.hpp"

#include <charconv>

namespace pg {

std::string json_value::number() const {
    const Numeric number = value_.val.numeric;
    return call([number] { return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))); });
}

std::optional<std::int32_t> json_value::int4() const {
    if (!is_number())
        return std::nullopt;
    const Numeric number = value_.val.numeric;
    struct outcome {
        bool whole;
        std::int32_t value;
    };
    const outcome read = call([number] {
        const Datum datum = NumericGetDatum(number);
        if (numeric_is_nan(number) || numeric_is_inf(number))
            return outcome{false, 0};
        const Datum truncated = DirectFunctionCall2(numeric_trunc, datum, Int32GetDatum(0));
        if (!DatumGetBool(DirectFunctionCall2(numeric_eq, datum, truncated)))
            return outcome{false, 0};
        bool overflow = false;
        const int32 value = numeric_int4_opt_error(number, &overflow);
        return outcome{!overflow, value};
    });
    return read.whole ? std::optional(read.value) : std::nullopt;
}

const char *json_value::type_name() const {
    if (is_array())
        return "array";
    if (is_object())
        return "object";
    if (is_string())
        return "string";
    if (is_number())
        return "number";
    return is_boolean() ? "boolean" : "null";
}

const char *type_name(jsonb json) {
    if (is_object(json))
        return "object";
    if (is_array(json))
        return "array";
    JsonbValue scalar;
    const bool found = call([json, &scalar] { return JsonbExtractScalar(root_of(json), &scalar); });
    return found ? json_value(scalar).type_name() : "null";
}

std::optional<json_value> find(JsonbContainer *object, std::string_view key) {
    JsonbValue found;
    const bool exists = call([&] {
        return getKeyJsonValueFromContainer(object, key.data(), static_cast<int>(key.size()), &found) != nullptr;
    });
    return exists ? std::optional(json_value(found)) : std::nullopt;
}

std::optional<json_value> element(JsonbContainer *array, std::size_t number) {
    const JsonbValue *found =
        call([array, number] { return getIthJsonbValueFromContainer(array, static_cast<uint32>(number)); });
    return found != nullptr ? std::optional(json_value(*found)) : std::nullopt;
}

jsonb copy_of(jsonb json) {
    return {call([json] {
        const Size size = VARSIZE(json.document);
        return static_cast<Jsonb *>(std::memcpy(palloc(size), json.document, size));
    })};
}

bool overwrite(const json_value &stored, std::int64_t number) {
    if (!stored.is_number())
        return false;
    const Numeric old = stored.raw().val.numeric;
    const Numeric other = call([number] { return int64_to_numeric(number); });
    if (VARSIZE_ANY(old) != VARSIZE(other) || VARATT_IS_SHORT(old))
        return false;
    std::memcpy(old, other, VARSIZE(other));
    return true;
}

bool equal(JsonbContainer *left, JsonbContainer *right) {
    return left == right || call([left, right] { return compareJsonbContainers(left, right) == 0; });
}

bool equal(const std::optional<json_value> &left, const std::optional<json_value> &right) {
    if (!left || !right)
        return left.has_value() == right.has_value();
    const JsonbValue &a = left->raw();
    const JsonbValue &b = right->raw();
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case jbvNull:
        return true;
    case jbvBool:
        return a.val.boolean == b.val.boolean;
    case jbvString:
        return left->string() == right->string();
    case jbvNumeric:
        return left->number() == right->number();
    case jbvBinary:
        return equal(left->container(), right->container());
    default:
        return false;
    }
}

namespace {

// A whole number below 10^16 that is not negative and has no decimal places, as it is stored: two bytes of header, then
// digits to the base of 10,000, those at the end left out that are zero. Stored numbers are the same in every version.
// std::nullopt for any other, which Postgres has to read.
std::optional<std::int64_t> plain_number(Numeric stored) {
    constexpr std::uint16_t kind_mask = 0xC000, is_short = 0x8000, weight_mask = 0x003F;
    const auto *bytes = reinterpret_cast<const char *>(stored);
    if (VARATT_IS_SHORT(bytes) || VARSIZE(bytes) < VARHDRSZ + sizeof(std::uint16_t))
        return std::nullopt;
    const std::size_t digits = (VARSIZE(bytes) - VARHDRSZ) / sizeof(std::uint16_t) - 1;
    const auto at = [bytes](std::size_t i) {
        std::uint16_t value;
        std::memcpy(&value, bytes + VARHDRSZ + i * sizeof value, sizeof value);
        return value;
    };
    const std::uint16_t header = at(0), weight = header & weight_mask;
    if ((header & kind_mask) != is_short || (header & ~kind_mask) != weight || weight > 3 || digits > weight + 1U)
        return std::nullopt;
    std::int64_t number = 0;
    for (std::size_t i = 0; i <= weight; ++i)
        number = number * 10000 + (i < digits ? at(i + 1) : 0);
    return number;
}

// Calls visit(its entry, where it stands, how long) for each child of an array, until that is false.
template <class Visit> bool for_each_child(const JsonbContainer *array, Visit visit) {
    const auto count = JsonContainerSize(array);
    const auto *data = reinterpret_cast<const char *>(array->children + count);
    std::uint32_t from = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const JEntry entry = array->children[i];
        std::uint32_t to = from;
        JBE_ADVANCE_OFFSET(to, entry);
        const std::uint32_t at = JBE_ISSTRING(entry) ? from : INTALIGN(from);
        if (!visit(entry, data + at, to - at))
            return false;
        from = to;
    }
    return true;
}

// std::nullopt when it is neither a string nor a whole number.
std::optional<json_scalar> scalar_of(JEntry entry, const char *stored, std::size_t length) {
    if (JBE_ISSTRING(entry))
        return json_scalar(std::string_view(stored, length));
    if (!JBE_ISNUMERIC(entry))
        return std::nullopt;
    const auto number = reinterpret_cast<Numeric>(const_cast<char *>(stored));
    if (const auto plain = plain_number(number))
        return json_scalar(*plain);
    const std::string_view text =
        call([number] { return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))); });
    std::int64_t whole = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), whole);
    return fault == std::errc() && end == text.data() + text.size() ? std::optional<json_scalar>(whole) : std::nullopt;
}

} // namespace

std::optional<std::vector<json_scalar>> scalar_rows_of(JsonbContainer *array, std::size_t width) {
    std::vector<json_scalar> scalars;
    scalars.reserve(JsonContainerSize(array) * width);
    const auto add = [&scalars](JEntry entry, const char *stored, std::size_t length) {
        const auto scalar = scalar_of(entry, stored, length);
        if (scalar)
            scalars.push_back(*scalar);
        return scalar.has_value();
    };
    const bool read = for_each_child(array, [&](JEntry entry, const char *stored, std::size_t) {
        const auto *row = reinterpret_cast<const JsonbContainer *>(stored);
        return JBE_ISCONTAINER(entry) && JsonContainerIsArray(row) && JsonContainerSize(row) == width &&
               for_each_child(row, add);
    });
    return read ? std::optional(std::move(scalars)) : std::nullopt;
}

json_builder &json_builder::push(JsonbIteratorToken token) {
    result_ = call([this, token] { return pushJsonbValue(&state_, token, nullptr); });
    return *this;
}

json_builder &json_builder::push_value(JsonbIteratorToken token, JsonbValue value) {
    result_ = call([this, token, &value] { return pushJsonbValue(&state_, token, &value); });
    return *this;
}

json_builder &json_builder::push_text(JsonbIteratorToken token, std::string_view text) {
    JsonbValue value;
    value.type = jbvString;
    // The builder keeps the pointer until it is finished, so it gets a copy of its own.
    value.val.string.val = call([text] { return pnstrdup(text.data(), text.size()); });
    value.val.string.len = static_cast<int>(text.size());
    return push_value(token, value);
}

JsonbIteratorToken json_builder::place() const {
    return state_ != nullptr && state_->contVal.type == jbvArray ? WJB_ELEM : WJB_VALUE;
}

json_builder &json_builder::number(std::string_view decimal) {
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric = call([decimal] {
        char *text = pnstrdup(decimal.data(), decimal.size());
        return DatumGetNumeric(
            DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    });
    return push_value(place(), value);
}

json_builder &json_builder::number(std::int64_t whole) {
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric = call([whole] { return int64_to_numeric(whole); });
    return push_value(place(), value);
}

json_builder &json_builder::row(std::span<const json_scalar> scalars) {
    result_ = call([this, scalars] {
        pushJsonbValue(&state_, WJB_BEGIN_ARRAY, nullptr);
        for (const json_scalar &scalar : scalars) {
            JsonbValue value;
            value.type = scalar.is_number ? jbvNumeric : jbvString;
            if (scalar.is_number) {
                value.val.numeric = int64_to_numeric(scalar.number);
            } else {
                value.val.string.val = const_cast<char *>(scalar.text.data());
                value.val.string.len = static_cast<int>(scalar.text.size());
            }
            pushJsonbValue(&state_, WJB_ELEM, &value);
        }
        return pushJsonbValue(&state_, WJB_END_ARRAY, nullptr);
    });
    return *this;
}

json_builder &json_builder::boolean(bool flag) {
    JsonbValue value;
    value.type = jbvBool;
    value.val.boolean = flag;
    return push_value(place(), value);
}

json_builder &json_builder::null() {
    JsonbValue value;
    value.type = jbvNull;
    return push_value(place(), value);
}

json_builder &json_builder::value(const json_value &existing) { return push_value(place(), existing.raw()); }

json_value value_of(jsonb container) {
    JsonbValue value;
    value.type = jbvBinary;
    value.val.binary.data = root_of(container);
    value.val.binary.len = static_cast<int>(VARSIZE(container.document) - VARHDRSZ);
    return json_value(value);
}

json_builder &json_builder::document(pg::jsonb existing) {
    if (!JB_ROOT_IS_SCALAR(existing.document))
        return value(value_of(existing));
    JsonbValue value;
    call([existing, &value] { JsonbExtractScalar(root_of(existing), &value); });
    return push_value(place(), value);
}

pg::jsonb json_builder::finish() {
    return {call([this] { return JsonbValueToJsonb(result_); })};
}

pg::jsonb string_document(std::string_view text) {
    JsonbValue value;
    value.type = jbvString;
    value.val.string.val = const_cast<char *>(text.data());
    value.val.string.len = static_cast<int>(text.size());
    return {call([&value] { return JsonbValueToJsonb(&value); })};
}

namespace {

constinit Jsonb *empty = nullptr; // nobody writes into it

} // namespace

pg::jsonb empty_object() {
    if (empty == nullptr) {
        const pg::jsonb made = json_builder().begin_object().end_object().finish();
        empty = call([made] {
            const Size size = VARSIZE(made.document);
            return static_cast<Jsonb *>(std::memcpy(MemoryContextAlloc(CacheMemoryContext, size), made.document, size));
        });
    }
    return {empty};
}

} // namespace pg
