// The types of the columns, as Postgres counts them.
#pragma once

#include "pg/postgres.hpp"

#include <string_view>

namespace mega::schema {

constexpr Oid type_oid(std::string_view type) {
    constexpr std::pair<std::string_view, Oid> types[] = {
        {"text", TEXTOID}, {"integer", INT4OID}, {"boolean", BOOLOID}, {"uuid", UUIDOID}, {"jsonb", JSONBOID}};
    for (const auto &[name, oid] : types)
        if (type.starts_with(name))
            return oid;
    return TIMESTAMPTZOID;
}

} // namespace mega::schema
