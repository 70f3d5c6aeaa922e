// The keys that several rows of a legacy table have, where no index forbids it.
#pragma once

#include "moving/legacy_sql.hpp"

namespace mega::moving {

class doubled_keys {
public:
    // Looks into those of the tables that may have them, as the caller.
    void look(const legacy_schema &from, std::span<const legacy> tables);

    bool has(legacy table, std::string_view id) const { return keys_[static_cast<std::size_t>(table)].contains(id); }

private:
    std::array<set_of_ids, legacy_tables> keys_;
};

// Whether there may be some. A customer's rows of one key are one.
bool may_have_doubled_keys(const legacy_schema &from, legacy table);

// The statement by which they are found.
std::string doubled_keys_query(const legacy_schema &from, legacy table);

} // namespace mega::moving
