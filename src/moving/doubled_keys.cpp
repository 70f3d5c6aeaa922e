// Finds the keys that several rows of a legacy table have.
#include "moving/doubled_keys.hpp"

#include "moving/legacy_digest.hpp"
#include "moving/legacy_sql.hpp"
#include "pg/procedure.hpp"

namespace mega::moving {

std::string doubled_keys_query(const legacy_schema &from, legacy table) {
    return filled("SELECT d.id FROM (SELECT @id@ AS id FROM @table@ l) d GROUP BY d.id HAVING pg_catalog.count(*) "
                  "OPERATOR(pg_catalog.>) 1 AND d.id IS NOT NULL",
                  {{"@id@", plain_text(definition_of(table).key)}, {"@table@", from.readable(table)}});
}

void doubled_keys::look(const legacy_schema &from, std::span<const legacy> tables) {
    for (const legacy table : tables) {
        if (table == legacy::customers || from.has_unique_key(table))
            continue; // a customer's rows of one key are one
        auto &keys = keys_[static_cast<std::size_t>(table)];
        keys.clear();
        pg::read_at_once(doubled_keys_query(from, table), [&](const pg::rows &rows) {
            for (std::uint64_t i = 0; i < rows.count(); ++i)
                keys.emplace(rows.text(i, 0).value_or(""));
        });
    }
}

} // namespace mega::moving
