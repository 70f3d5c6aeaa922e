// Makes the expression that tells a legacy row by one number.
#include "moving/legacy_digest.hpp"

namespace mega::moving {

namespace {

// Types whose hash tells all that the document tells of a value. Not those of floats (-0), of arrays (their bounds), of
// jsonb (which forgets what it folds twice), nor an extension's, which may take different values for one.
constexpr Oid hashed[] = {BOOLOID, INT2OID, INT4OID, INT8OID,      NUMERICOID,
                          UUIDOID, DATEOID, TEXTOID, TIMESTAMPOID, TIMESTAMPTZOID};
constexpr Oid plain[] = {TEXTOID, VARCHAROID, UUIDOID, INT2OID, INT4OID, INT8OID};

bool is_among(Oid type, std::span<const Oid> types) { return std::ranges::find(types, type) != types.end(); }

std::string value_of(const found_column &column) {
    const std::string name = "l." + quoted_column(column);
    if (column.type == TEXTOID || column.type == VARCHAROID)
        return name + "::pg_catalog.text COLLATE pg_catalog.\"C\"";
    if (column.type == JSONBOID)
        return name + "::pg_catalog.text";
    return is_among(column.type, hashed) ? name : "pg_catalog.to_jsonb(" + name + ")::pg_catalog.text";
}

} // namespace

std::string number_of_row(const legacy_schema &from, legacy table) {
    std::string values, shape;
    for (const found_column &column : from.columns(table)) {
        values += (values.empty() ? "" : ", ") + value_of(column);
        shape += column.name + " " + std::to_string(is_among(column.type, hashed) ? column.type : 0) + "\x01";
    }
    const auto seed = static_cast<std::int64_t>(
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(shape.data()), static_cast<int>(shape.size()), 0));
    return "pg_catalog.hash_record_extended(ROW(" + values + "), '" + std::to_string(seed) + "'::pg_catalog.int8)";
}

std::string digest_of_row(const legacy_schema &from, legacy table) {
    return number_of_row(from, table) + "::pg_catalog.text";
}

bool is_plain(const legacy_schema &from, legacy table, std::string_view column) {
    const found_column *found = from.column(table, column);
    return found != nullptr && is_among(found->type, plain);
}

std::string plain_text(std::string_view column) {
    return "(l." + std::string(column) + "::pg_catalog.text COLLATE pg_catalog.\"C\")";
}

std::string key_text(const legacy_schema &from, legacy table) {
    const std::string key = definition_of(table).key;
    return is_plain(from, table, key)
               ? plain_text(key)
               : "((pg_catalog.to_jsonb(l." + key + ") OPERATOR(pg_catalog.#>>) '{}') COLLATE pg_catalog.\"C\")";
}

} // namespace mega::moving
