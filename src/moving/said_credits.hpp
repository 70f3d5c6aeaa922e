// What legacy's rows of one customer say of his credits.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mega::moving {

struct said_credits {
    std::int64_t sum = 0, said = 0, unsaid = 0; // of all his rows; how many say it, and how many do not

    // What has to be opened beside the rows that came. What is not said takes nothing.
    std::int64_t missing_beside(std::int64_t written) const noexcept {
        const std::int64_t missing = said > 0 ? sum - written : 0;
        return unsaid > 0 ? std::max<std::int64_t>(missing, 0) : missing;
    }
};

} // namespace mega::moving
