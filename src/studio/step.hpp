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

// Moves the generation as the step says; an error that ends it becomes its error, if it has none.
void move(locked_generation &generation, const step &what);

// A step that is there already is a replay when it says the same, MG002 otherwise.
void check_same(ledger::store &store, const std::string &mg_id, const step &what);

// The number behind the last. Under the generation's lock.
std::int32_t next_number(ledger::store &store, const std::string &generation_id);

ledger::new_row row_of(const step &what, const locked_generation &generation, std::int32_t number);

} // namespace mega::studio
