// The settings of an application: app_config:<key> is the one in force, app_config:<key>.v<n> each version.
#pragma once

#include "admin/upsert.hpp"

namespace mega::admin {

// The key as it is given, bare or with its prefix; leaves room for the ids of its versions. Raises 22023, also for one
// that looks like the id of a version.
std::string read_key(std::optional<std::string_view> given);

inline std::string mg_id_of_setting(std::string_view key) { return "app_config:" + std::string(key); }
inline std::string mg_id_of_version(std::string_view key, std::int32_t version) {
    return mg_id_of_setting(key) + ".v" + std::to_string(version);
}

// A key of one's own may have the id of a version: its number is left out.
struct version_numbers {
    std::int32_t newest;              // 0 when there is none
    std::optional<std::int32_t> next; // whose id is free; std::nullopt when no number is left
};

// As the current role sees them. expected: what the metadata of the setting in force say, which may have been written
// by anybody: when that version is there and no next one, two look-ups by key were enough, however many versions there
// are.
version_numbers numbers_of(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view key,
                           std::optional<std::int32_t> expected);

// The first number behind another one whose id is free; std::nullopt when no number is left.
std::optional<std::int32_t> free_version(pg::spi_connection &spi, const schema::table_catalog &where,
                                         std::string_view key, std::int32_t behind);

// The numbers of a key's versions, newest first, as the current role sees them.
std::vector<std::int32_t> versions_of(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view key,
                                      pg::access access);

} // namespace mega::admin
