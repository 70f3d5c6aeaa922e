// Reading and building jsonb documents.
#pragma once

#include "pg/datum.hpp"

namespace pg {

// A value inside a document; points into it.
class json_value {
public:
    explicit json_value(const JsonbValue &value) : value_(value) {}

    bool is_null() const { return value_.type == jbvNull; }
    bool is_string() const { return value_.type == jbvString; }
    bool is_number() const { return value_.type == jbvNumeric; }
    bool is_boolean() const { return value_.type == jbvBool; }
    bool is_array() const { return value_.type == jbvBinary && JsonContainerIsArray(value_.val.binary.data); }
    bool is_object() const { return value_.type == jbvBinary && JsonContainerIsObject(value_.val.binary.data); }

    std::string_view string() const { return {value_.val.string.val, static_cast<std::size_t>(value_.val.string.len)}; }
    bool boolean() const { return value_.val.boolean; }
    std::string number() const;               // in its exact decimal form
    std::optional<std::int32_t> int4() const; // of a whole number that fits
    const char *type_name() const;            // as jsonb_typeof says it
    const JsonbValue &raw() const { return value_; }
    JsonbContainer *container() const { return value_.val.binary.data; } // of an array or an object

private:
    JsonbValue value_;
};

inline JsonbContainer *root_of(jsonb json) { return &json.document->root; }
inline bool is_object(jsonb json) { return JB_ROOT_IS_OBJECT(json.document); }
inline bool is_array(jsonb json) { return JB_ROOT_IS_ARRAY(json.document) && !JB_ROOT_IS_SCALAR(json.document); }
inline bool is_empty_object(jsonb json) { return is_object(json) && JB_ROOT_COUNT(json.document) == 0; }
const char *type_name(jsonb json);
inline bool is_null(jsonb json) { return std::string_view(type_name(json)) == "null"; } // JSON's

// Whether a stored document is an object or array that is empty: told without taking it out of storage.
inline bool has_no_member(Datum document) noexcept {
    const auto *stored = reinterpret_cast<const char *>(document);
    return !VARATT_IS_EXTERNAL(stored) && !VARATT_IS_COMPRESSED(stored) &&
           VARSIZE_ANY_EXHDR(stored) == sizeof(JsonbContainer::header);
}

// An array or object as a value inside another one.
json_value value_of(jsonb container);

// The member of an object, std::nullopt when there is none.
std::optional<json_value> find(JsonbContainer *object, std::string_view key);
inline std::optional<json_value> find(jsonb json, std::string_view key) {
    return is_object(json) ? find(root_of(json), key) : std::nullopt;
}

// An element of an array, std::nullopt when there is none.
std::optional<json_value> element(JsonbContainer *array, std::size_t number);

bool equal(JsonbContainer *left, JsonbContainer *right);
bool equal(const std::optional<json_value> &left, const std::optional<json_value> &right);

// Step by step through a container. With into_nested, arrays and objects inside are opened too.
class json_walk {
public:
    explicit json_walk(JsonbContainer *container)
        : iterator_(call([container] { return JsonbIteratorInit(container); })) {}
    json_walk(const json_walk &) = delete;
    json_walk &operator=(const json_walk &) = delete;

    JsonbIteratorToken next(bool into_nested) {
        return call([this, into_nested] { return JsonbIteratorNext(&iterator_, &value_, !into_nested); });
    }
    json_value value() const { return json_value(value_); }

private:
    JsonbIterator *iterator_;
    JsonbValue value_{};
};

// Calls visit(key, value) for the members of an object, in jsonb's order.
template <class Visit> void for_each_member(JsonbContainer *object, Visit visit) {
    json_walk walk(object);
    std::string_view key;
    for (JsonbIteratorToken token = walk.next(false); token != WJB_DONE; token = walk.next(false)) {
        if (token == WJB_KEY)
            key = walk.value().string();
        else if (token == WJB_VALUE)
            visit(key, walk.value());
    }
}

// Calls visit(value) for the elements of an array.
template <class Visit> void for_each_element(JsonbContainer *array, Visit visit) {
    json_walk walk(array);
    for (JsonbIteratorToken token = walk.next(false); token != WJB_DONE; token = walk.next(false))
        if (token == WJB_ELEM)
            visit(walk.value());
}

// A string or a whole number, for what is read and written often.
struct json_scalar {
    json_scalar() = default;
    json_scalar(std::string_view string) : text(string) {}
    json_scalar(std::int64_t whole) : number(whole), is_number(true) {}

    std::string_view text; // points into the document that it was read from
    std::int64_t number = 0;
    bool is_number = false;
};

// An array of arrays of so many of them each, read at once: their elements one behind the other. std::nullopt when it
// is anything else.
std::optional<std::vector<json_scalar>> scalar_rows_of(JsonbContainer *array, std::size_t width);

// Calls visit(text) for every string anywhere in the document, names of members included, until it returns true;
// tells whether it did.
template <class Visit> bool any_string(jsonb json, Visit visit) {
    json_walk walk(root_of(json));
    for (JsonbIteratorToken token = walk.next(true); token != WJB_DONE; token = walk.next(true)) {
        const bool has_value = token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;
        if (has_value && walk.value().is_string() && visit(walk.value().string()))
            return true;
    }
    return false;
}

jsonb copy_of(jsonb json);

// Writes another number into a copy of one's own, where it takes as much room as the one that stands there; false, and
// nothing written, where it does not.
bool overwrite(const json_value &stored, std::int64_t number);

// Builds a document from the outside in.
class json_builder {
public:
    json_builder &begin_object() { return push(WJB_BEGIN_OBJECT); }
    json_builder &end_object() { return push(WJB_END_OBJECT); }
    json_builder &begin_array() { return push(WJB_BEGIN_ARRAY); }
    json_builder &end_array() { return push(WJB_END_ARRAY); }
    json_builder &key(std::string_view name) { return push_text(WJB_KEY, name); }
    json_builder &text(std::string_view value) { return push_text(place(), value); }
    json_builder &text_or_null(std::optional<std::string_view> value) { return value ? text(*value) : null(); }
    json_builder &number(std::string_view decimal);
    json_builder &number(std::int64_t whole);
    json_builder &boolean(bool flag);
    json_builder &row(std::span<const json_scalar> scalars); // an array of them; their text must outlive the builder
    json_builder &null();
    json_builder &value(const json_value &existing); // copied, however deep
    json_builder &document(pg::jsonb existing);

    // A document that is this value alone.
    static pg::jsonb document_of(const json_value &existing) {
        return {call([&existing] { return JsonbValueToJsonb(const_cast<JsonbValue *>(&existing.raw())); })};
    }

    // The finished document; the builder is spent.
    pg::jsonb finish();

private:
    json_builder &push(JsonbIteratorToken token);
    json_builder &push_text(JsonbIteratorToken token, std::string_view text);
    json_builder &push_value(JsonbIteratorToken token, JsonbValue value);
    JsonbIteratorToken place() const;

    JsonbParseState *state_ = nullptr;
    JsonbValue *result_ = nullptr;
};

pg::jsonb string_document(std::string_view text); // a document that is one string
pg::jsonb empty_object();

// A copy of the document in which every string, names of members too, was given to replace(text) ->
// std::optional<std::string>; or std::nullopt when none was replaced. Of two members that get one name, one stays.
template <class Replace> std::optional<jsonb> replace_strings(jsonb json, Replace replace) {
    if (!any_string(json, [&](std::string_view text) { return replace(text).has_value(); }))
        return std::nullopt;
    json_builder builder;
    json_walk walk(root_of(json));
    const bool scalar = JB_ROOT_IS_SCALAR(json.document);
    for (JsonbIteratorToken token = walk.next(true); token != WJB_DONE; token = walk.next(true)) {
        const bool root_bracket = scalar && (token == WJB_BEGIN_ARRAY || token == WJB_END_ARRAY);
        if (token == WJB_BEGIN_OBJECT)
            builder.begin_object();
        else if (token == WJB_END_OBJECT)
            builder.end_object();
        else if (token == WJB_BEGIN_ARRAY && !root_bracket)
            builder.begin_array();
        else if (token == WJB_END_ARRAY && !root_bracket)
            builder.end_array();
        else if (token == WJB_KEY) {
            const std::optional<std::string> other = replace(walk.value().string());
            builder.key(other ? std::string_view(*other) : walk.value().string());
        } else if (token == WJB_VALUE || token == WJB_ELEM) {
            std::optional<std::string> other;
            if (walk.value().is_string())
                other = replace(walk.value().string());
            if (scalar)
                return string_document(other ? *other : walk.value().string());
            if (other)
                builder.text(*other);
            else
                builder.value(walk.value());
        }
    }
    return builder.finish();
}

} // namespace pg
