// What functions tell of themselves in mega_admin: who did what, to whom.
#pragma once

#include "pg/jsonb.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

struct deed {
    std::string_view action;
    std::optional<std::string_view> customer; // acted on, as the pass id stands on the row
    pg::jsonb detail;                         // an object
};

// Appends an audit under a fresh id. actor, who did it, stands in mg_detail.actor. The caller has asked
// guarded_catalog_of for the right to write admins. Raises what the row's rules raise, and 55000 when a trigger of
// somebody's keeps the row out.
void append_audit(pg::spi_connection &spi, const schema::table_catalog &where, const deed &what,
                  std::optional<std::string_view> actor);

// The same under an id that somebody was given. False, and nothing written, when there is an audit with it.
[[nodiscard]] bool append_audit_once(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view id,
                                     const deed &what, std::optional<std::string_view> actor);

// The same when there is an actor; nothing otherwise. For functions that write an audit when somebody stands up for it.
inline void audit_actor(pg::spi_connection &spi, const schema::table_catalog &where, const deed &what,
                        std::optional<std::string_view> actor) {
    if (actor)
        append_audit(spi, where, what, actor);
}

} // namespace mega::ledger
