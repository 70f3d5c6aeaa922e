#pragma once

namespace mega::schema {

// Whether this session is a restore by pg_dump's output or pg_restore, told by the settings that they begin with.
bool restoring();

// Whether rows that come into a table of this owner's are put back: in a restore that he, or who has his rights, plays.
// Others may have the settings, too.
bool is_put_back(Oid owner);

} // namespace mega::schema
