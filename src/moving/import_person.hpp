// The customer's own row of an import.
#pragma once

#include "moving/known_person.hpp"

namespace mega::moving {

// How the digest of a key that several rows have ends. No row has it, so that they are read by every call.
inline constexpr const char *doubled_mark = ":doubled";

// What of a digest of a customer's row goes by its content alone: the rest is news.hpp's.
inline std::string_view content_of(std::string_view digest) { return digest.substr(0, digest.find(':')); }

// A customer's legacy row with its key and digest.
struct person_row {
    std::string key, digest;
    legacy_row row;
};

// Makes the customer of these rows; of none, when only other rows name him, since the time of the first of them. Raises
// 23505 when that cannot be.
void make_person(batch &into, const std::string &pass_id, std::span<const person_row> rows, const terms &by,
                 pg::timestamp since);

// Brings a customer who is locked what is new in his rows: all, where his row is as it was imported; where it never
// was, what is unknown of him. What stays different is listed. changed: a row that was brought before is
// another one by now.
void bring_person(batch &into, const known_person &person, const ledger::locked_customer &customer,
                  std::span<const person_row> rows, const terms &by, bool changed);

} // namespace mega::moving
