// The preference fold on Postgres' rows: events of the ledger in, the document of mg_mma_preferences out (I2). What the
// fold does stands in core/preferences.hpp.
#pragma once

#include "core/preferences.hpp"
#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

// The effects of an event with this mg_meta. A payload that says nothing intelligible raises `state`.
std::vector<core::tag_effect> effects_of(pg::jsonb meta, pg::sql_state state);

// The same for a payload that is not yet part of an event.
std::vector<core::tag_effect> effects_of(std::string_view event_type, pg::jsonb payload, pg::sql_state state);

core::position position_of(pg::timestamp created_at, std::string_view mg_id);

// The newest position's time of a stored document; std::nullopt when it has none.
std::optional<pg::timestamp> newest_time(pg::jsonb stored);

// The stored document with its managed keys carried on by events that are in the ledger already.
pg::jsonb fold_in(store &store, std::string_view pass_id, pg::jsonb stored, std::vector<core::preference_event> events);

// The same without a look into the ledger; std::nullopt where only the ledger knows.
std::optional<pg::jsonb> fold_in(pg::jsonb stored, std::vector<core::preference_event> events);

// All events of the customer that the session's rights let it see, in no order.
std::vector<core::preference_event> read_events(pg::spi_connection &spi, const schema::table_catalog &where,
                                                std::string_view pass_id, pg::access how);

// The managed keys folded anew from all events of the customer that the session's rights let it see.
core::json fold_from_ledger(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                            pg::access how);

// The same of all there are, to be stored.
core::json fold_from_ledger(store &store, std::string_view pass_id);

// Whether the fold can read the event with this mg_meta at all.
bool is_intelligible(pg::jsonb meta);

// The managed keys of a document alone.
pg::jsonb managed_keys_of(pg::jsonb preferences);

// The application's keys of a document beside other managed keys.
pg::jsonb with_managed_keys(pg::jsonb application, const core::json &managed);

} // namespace mega::ledger
