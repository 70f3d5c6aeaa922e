// Values between C++ and Datum: a closed set of types with one overload each; NULL is std::optional.
// Views point into memory of the context that was current when they were made: they live as long as the call.
#pragma once

#include "pg/guard.hpp"

namespace pg {

struct timestamp {
    TimestampTz value; // microseconds since 2000-01-01 UTC
    auto operator<=>(const timestamp &) const = default;
};

struct uuid {
    std::array<std::uint8_t, UUID_LEN> bytes;
    bool operator==(const uuid &) const = default;
};

// A jsonb document, detoasted.
struct jsonb {
    Jsonb *document;
};

struct nullable_datum {
    Datum value = 0;
    bool is_null = true;
};

inline nullable_datum to_datum(std::string_view text) {
    return {
        call([text] { return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size()))); }),
        false};
}
inline nullable_datum to_datum(const std::string &text) { return to_datum(std::string_view(text)); }
inline nullable_datum to_datum(const char *text) { return to_datum(std::string_view(text)); }
inline nullable_datum to_datum(std::int32_t number) { return {Int32GetDatum(number), false}; }
inline nullable_datum to_datum(std::int64_t number) {
    static_assert(sizeof(Datum) == 8, "mega needs a 64-bit server");
    return {static_cast<Datum>(number), false};
}
inline nullable_datum to_datum(bool flag) { return {BoolGetDatum(flag), false}; }
inline nullable_datum to_datum(timestamp time) { return {TimestampTzGetDatum(time.value), false}; }
inline nullable_datum to_datum(const ItemPointerData &place) {
    return {call([&place] {
                auto *copy = static_cast<ItemPointerData *>(palloc(sizeof(ItemPointerData)));
                *copy = place;
                return PointerGetDatum(copy);
            }),
            false};
}
inline nullable_datum to_datum(jsonb json) { return {JsonbPGetDatum(json.document), false}; }
inline nullable_datum to_datum(nullable_datum datum) { return datum; }
inline nullable_datum to_datum(std::nullopt_t) { return {}; }
inline nullable_datum to_datum(const uuid &id) {
    return {call([&id] {
                auto *copy = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
                std::memcpy(copy->data, id.bytes.data(), UUID_LEN);
                return UUIDPGetDatum(copy);
            }),
            false};
}
inline nullable_datum to_datum(std::span<const std::string> texts) { // text[]
    const auto count = static_cast<int>(texts.size());
    return {call([texts, count] {
                auto *items = static_cast<Datum *>(palloc(sizeof(Datum) * (texts.size() + 1)));
                for (std::size_t i = 0; i < texts.size(); ++i)
                    items[i] =
                        PointerGetDatum(cstring_to_text_with_len(texts[i].data(), static_cast<int>(texts[i].size())));
                return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
            }),
            false};
}
inline nullable_datum to_datum(const std::vector<std::string> &texts) {
    return to_datum(std::span<const std::string>(texts));
}
// An array of values of one type, NULLs among them.
inline nullable_datum array_of(std::span<const nullable_datum> values, Oid type) {
    return {call([values, type] {
                std::int16_t length;
                bool by_value;
                char alignment;
                get_typlenbyvalalign(type, &length, &by_value, &alignment);
                auto *items = static_cast<Datum *>(palloc(sizeof(Datum) * (values.size() + 1)));
                auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * (values.size() + 1)));
                for (std::size_t i = 0; i < values.size(); ++i) {
                    items[i] = values[i].value;
                    nulls[i] = values[i].is_null;
                }
                int count[] = {static_cast<int>(values.size())}, first[] = {1};
                return PointerGetDatum(
                    construct_md_array(items, nulls, 1, count, first, type, length, by_value, alignment));
            }),
            false};
}
template <class T> nullable_datum to_datum(const std::optional<T> &value) {
    return value ? to_datum(*value) : nullable_datum{};
}

inline std::string_view text_of(Datum value) {
    const text *detoasted = call([value] { return DatumGetTextPP(value); });
    return {VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted)};
}
inline jsonb jsonb_of(Datum value) {
    return {call([value] { return DatumGetJsonbP(value); })};
}
inline uuid uuid_of(Datum value) {
    uuid id;
    std::memcpy(id.bytes.data(), DatumGetUUIDP(value)->data, UUID_LEN);
    return id;
}
inline uuid parse_uuid(std::string_view text) { // raises 22P02
    return uuid_of(
        call([text] { return DirectFunctionCall1(uuid_in, CStringGetDatum(pnstrdup(text.data(), text.size()))); }));
}
inline std::string format_uuid(const uuid &id) {
    return call([&id] {
        return DatumGetCString(
            DirectFunctionCall1(uuid_out, UUIDPGetDatum(reinterpret_cast<const pg_uuid_t *>(id.bytes.data()))));
    });
}
inline uuid random_uuid() {
    return uuid_of(call([] { return DirectFunctionCall1(gen_random_uuid, Datum{0}); }));
}
inline timestamp timestamp_of(Datum value) { return {DatumGetTimestampTz(value)}; }

// The arguments of a SQL call; every getter gives std::nullopt for NULL.
class arguments {
public:
    explicit arguments(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {}

    std::optional<std::string_view> text(int i) const { return get(i, text_of); }
    std::optional<pg::jsonb> json(int i) const { return get(i, jsonb_of); }
    std::optional<pg::uuid> uuid(int i) const { return get(i, uuid_of); }
    std::optional<pg::timestamp> time(int i) const { return get(i, timestamp_of); }
    std::optional<std::int32_t> int4(int i) const {
        return get(i, [](Datum value) { return DatumGetInt32(value); });
    }
    std::optional<bool> boolean(int i) const {
        return get(i, [](Datum value) { return DatumGetBool(value); });
    }
    std::optional<Oid> oid(int i) const {
        return get(i, [](Datum value) { return DatumGetObjectId(value); });
    }
    std::optional<const Interval *> interval(int i) const {
        return get(i, [](Datum value) -> const Interval * { return DatumGetIntervalP(value); });
    }

    bool is_null(int i) const { return fcinfo_->args[i].isnull; }
    FunctionCallInfo call_info() const { return fcinfo_; }

private:
    template <class Read> auto get(int i, Read read) const -> std::optional<std::invoke_result_t<Read, Datum>> {
        if (fcinfo_->args[i].isnull)
            return std::nullopt;
        return read(fcinfo_->args[i].value);
    }

    FunctionCallInfo fcinfo_;
};

inline Datum return_null(FunctionCallInfo fcinfo) {
    fcinfo->isnull = true;
    return 0;
}

} // namespace pg
