#pragma once

namespace mega::schema {

// Whether this session is a restore by pg_dump's output or pg_restore, told by the settings that they begin with.
bool restoring();

} // namespace mega::schema
