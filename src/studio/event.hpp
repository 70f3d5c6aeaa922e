// An event on its way into the ledger: what a user did.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::studio {

struct event {
    std::string_view pass_id;
    std::string_view type;
    pg::jsonb payload{};
    std::optional<std::string> generation_id;
    std::optional<std::string> id; // bare
    std::optional<pg::timestamp> created_at;
    std::optional<pg::jsonb> own; // what mega notes of it (I17)
};

// Its id as an argument. Raises 22023.
std::string read_event_id(std::string_view given);

// What is asked of a new event: type, payload, time. Raises 22023 and MG008.
void check(const event &what);

// Whether the event was appended under its id; MG002 when it says something else.
bool is_replay(ledger::store &store, const event &what);

// Its mg_meta without mega's own key.
pg::jsonb meta_of(const event &what);

// When an event stands that says nothing of it. Under the customer's lock: events of one customer come one behind the
// other.
pg::timestamp behind_newest(ledger::store &store, const event &what);

ledger::new_row row_of(const event &what, pg::timestamp created_at);

} // namespace mega::studio
