// The parts about credit rows of the statement that reads customers (customers_query).
#pragma once

#include "moving/legacy.hpp"

namespace mega::moving {

// Whose the credit rows with the ids $3 are, behind those of whom something else is new.
std::string news_of_credits(const legacy_schema &from);

// By which keys credit rows have the customers of whom something is new: a common table expression `keys`.
std::string keys_of_credits(const legacy_schema &from);

// The rows. few: only those of these keys.
std::string rows_of_credits(const legacy_schema &from, bool few);

} // namespace mega::moving
