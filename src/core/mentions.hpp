// Where somebody's text names a customer by a pass id: alone, in a sentence, in a path, percent-encoded.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mega::core {

// The text with `erased` for every mention of one of the pass ids; std::nullopt when there is none. A pass id that only
// begins like one of them, or ends so, is none of them; one of an unusual form is found alone only. Raises
// std::bad_alloc only.
std::optional<std::string> without_mentions(std::string_view text, std::span<const std::string> pass_ids);

// The pass id in each way that is looked for: as it is, and as encodeURIComponent writes it, in digits of either case.
std::vector<std::string> spellings_of(const std::string &pass_id);

} // namespace mega::core
