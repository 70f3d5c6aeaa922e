#pragma once

namespace mega::schema {

// Tells the rules of core which character set the database's texts have; called once, when the library is loaded.
void tell_character_set();

} // namespace mega::schema
