// What somebody else hung on a table of ours and what it does to a row that mega writes: the trigger is named.
#pragma once

#include "pg/error.hpp"

namespace mega::schema {

enum class writing { insert, update };

// Who else may drop or change a row of the table before it is written, as it stands in a message: 'the trigger "a"',
// 'one of the triggers "a", "b"', 'a rule'. '' when there is nobody.
std::string who_interferes(Oid table, writing what);

// Raises 55000: "<who> <does>"; who has a trigger of any other kind, when there is nobody who may drop or change the
// row. When there is nobody at all it is an internal error.
[[noreturn]] void refuse_interference(Oid table, writing what, const char *does, const std::string &detail);

} // namespace mega::schema
