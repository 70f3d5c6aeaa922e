// A step of the pipeline on its way into the ledger (I7).
#pragma once

#include "studio/generation.hpp"

namespace mega::studio {

struct step {
    std::string type;
    pg::jsonb input{}, output{};
    std::optional<pg::jsonb> error;
    std::optional<pg::timestamp> started_at, ended_at;
    std::optional<std::int32_t> number;
    std::optional<std::string> provider, model, status;
};

// Its values as arguments. Raises 22023 and 22008.
void check(const step &what);

// Whether it is one that can have been appended before: what is given of any other is checked at once.
inline bool may_be_there(const step &what) { return what.number && *what.number >= 0; }

// Whether a step with a number of its own was appended before: that is looked for before its arguments are refused, and
// a new one is checked. MG002 when it says something else. Under the generation's lock.
bool is_replay(ledger::store &store, const locked_generation &generation, const step &what);

// The number behind the last. Under the generation's lock.
std::int32_t next_number(ledger::store &store, const std::string &generation_id);

std::string mg_id_of(const locked_generation &generation, std::int32_t number);
ledger::new_row row_of(const step &what, const locked_generation &generation, std::int32_t number);

// Moves the generation as the step says; an error that ends it becomes its error, if it has none.
void move(ledger::store &store, locked_generation &generation, const step &what);

} // namespace mega::studio
