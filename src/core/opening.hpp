// Opening the books of preferences: what has to be appended so that the fold of a customer's events shows what an
// application stored before the fold was the rule (I2).
#pragma once

#include <vector>

#include "json.hpp"

namespace mega::core {

// Takes the stored document and the managed keys that the appended events make. Returns the payloads of the
// preference_set events that, appended in this order behind all others, let the fold show the stored blocks and
// weights; none when it shows them already. What no event can say is left out or brought into range: texts that are no
// tags, weights that are no numbers; a weight beyond ±1000 becomes ±1000, and what is stored as the weight of a blocked
// tag is not kept. Usually one payload; more when tags have to be unblocked before they get a weight, or when there are
// more tags than one event may name.
std::vector<json> opening_payloads(const json &stored, const json &folded);

} // namespace mega::core
