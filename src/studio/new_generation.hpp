// A generation that begins: by itself, or as the tweak of another.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::studio {

struct new_generation {
    std::string id; // bare
    std::string pass_id;
    std::optional<std::string> mode, type, session_id, parent, provider, model, prompt; // parent: its mg_id
    pg::jsonb vars{}, meta{};
};

// A new generation's id as an argument, a fresh one when it is NULL: short enough for the ids of its steps. Raises
// 22023.
std::string read_new_generation_id(std::optional<std::string_view> given);

// Queued and pending.
ledger::new_row row_of(const new_generation &what);

// Whose word the pass id is: what the caller said is repeated to him, what a row says told to whom may read it.
enum class named_by { caller, row };

// Whether the row is there already: then whatever else is given is not looked at. Raises MG002 when it is another
// customer's.
bool is_there(ledger::store &store, const std::string &mg_id, std::string_view pass_id, named_by by = named_by::caller);

// Appends the row, or finds the one that has its id. False when it was there; MG002 when it is another customer's.
bool create_once(ledger::store &store, const ledger::new_row &row, std::string_view pass_id,
                 named_by by = named_by::caller);

} // namespace mega::studio
