// What the locks are for that mega takes beside those of tables and rows.
#pragma once

#include <cstdint>

namespace mega::ledger::lock_kind {

inline constexpr std::uint32_t key = 0x6d656761;    // of some keys that no index keeps; numbered by their hash
inline constexpr std::uint32_t import = 0x6d656762; // one session imports; numbered by the schema of mega
inline constexpr std::uint32_t rights = 0x6d656763; // one session gives rights; numbered by the schema of mega

} // namespace mega::ledger::lock_kind
