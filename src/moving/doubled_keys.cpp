// Finds the keys that several rows of a legacy table have.
#include "moving/doubled_keys.hpp"

#include "moving/legacy_digest.hpp"
#include "pg/procedure.hpp"

namespace mega::moving {

std::string doubled_keys_query(const legacy_schema &from, legacy table) {
    return filled("SELECT d.id FROM (SELECT @id@ AS id FROM @table@ l) d GROUP BY d.id HAVING pg_catalog.count(*) "
                  "OPERATOR(pg_catalog.>) 1 AND d.id IS NOT NULL",
                  {{"@id@", key_text(from, table)}, {"@table@", from.readable(table)}});
}

bool may_have_doubled_keys(const legacy_schema &from, legacy table) {
    return table != legacy::customers && !from.has_unique_key(table);
}

void doubled_keys::look(const legacy_schema &from, std::span<const legacy> tables) {
    for (const legacy table : tables)
        if (may_have_doubled_keys(from, table))
            pg::read_at_once(doubled_keys_query(from, table),
                             [&](const pg::rows &found) { keys_[static_cast<std::size_t>(table)] = ids_of(found); });
}

} // namespace mega::moving
