// What a fuzz target claims about any input.
#pragma once

namespace mega::test {

inline void require(bool claim) {
    if (!claim)
        __builtin_trap();
}

} // namespace mega::test
