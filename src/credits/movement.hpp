// A credit movement on its way into the ledger: validate, look for a replay, lock, look again, append, project. Every
// function that moves credits goes through here (I1, I3, I4).
#pragma once

#include "ledger/append.hpp"
#include "ledger/project.hpp"

namespace mega::credits {

struct movement {
    std::string pass_id;
    std::int32_t delta = 0;
    std::string reason;
    std::optional<std::string> source;
    std::optional<std::string> ref_type, ref_id; // both or neither
    std::optional<std::string> txn_id;           // bare; a fresh one when there is none
    std::optional<pg::timestamp> expires_at;     // of a grant
    std::optional<pg::jsonb> meta;
    bool allow_negative = false;
};

struct outcome {
    std::string mg_id;
    std::int32_t credits; // the balance of now
    bool replayed;
};

// Records the movement once. Raises 23503 for an unknown customer, MG001 for an overdraft, MG002 when its txn_id or
// reference was used for something else, MG004 for a spend of a disabled customer, 22003 for an overflow. Locks the
// customer FOR NO KEY UPDATE.
outcome record(pg::session &session, const schema::tables &where, const movement &what);

// A transaction id as an argument: bare, checked, not of a family that belongs to a function. Raises 22023.
std::string read_txn_id(std::string_view given);

} // namespace mega::credits
