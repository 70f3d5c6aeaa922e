// What a customer's row and its month say about automatic top-ups.
#pragma once

#include "credits/posting.hpp"

namespace mega::credits {

struct topup_settings {
    std::int32_t packs = 0; // the customer's number
    std::optional<std::int32_t> limit;
    std::int64_t used = 0; // of the month, by rows

    // How many of these packs the month still allows.
    std::int32_t left(std::int32_t wanted) const {
        return limit ? static_cast<std::int32_t>(std::clamp<std::int64_t>(*limit - used, 0, wanted)) : wanted;
    }
};

topup_settings topup_settings_of(ledger::store &store, std::string_view pass_id);

// A bare id of a claim as an argument. Raises 22023.
std::string read_topup_id(std::string_view given);

} // namespace mega::credits
