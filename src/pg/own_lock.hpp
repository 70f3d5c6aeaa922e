// Locks that are taken by functions of this module alone.
#pragma once

#include "pg/guard.hpp"

extern "C" {
#include <storage/lock.h>
}

namespace pg {

// Told from the locks of SQL's advisory functions, which any role may take, by the fourth field: theirs is 1 or 2.
inline LOCKTAG own_lock(std::uint32_t kind, std::uint32_t number) noexcept {
    constexpr std::uint16_t beside_those_of_users = 3;
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, kind, number, beside_those_of_users);
    return tag;
}

} // namespace pg
