// Whom mega has for a customer of legacy's.
#pragma once

#include "moving/import_batch.hpp"

namespace mega::moving {

// What is known of a customer when his legacy rows come.
struct known_person {
    std::string pass_id;
    pg::jsonb meta;
    bool exists = false, erased = false;
};

// Looks, and follows a merge. One who is not there was erased when nothing but the digest of this key was left.
known_person look_for_person(const batch &into, std::string_view pass_id);

// Locks him FOR KEY SHARE, where he is there: as long as the transaction lasts he is neither merged nor erased, and
// what is noted of his rows is found by who erases him. Raises 40001 when he is not any more who was found.
void hold_person(batch &into, const known_person &person);

// The digest of a legacy key's row that was brought last; std::nullopt for a key that is new to him.
std::optional<std::string> digest_of_key(const known_person &person, std::string_view key);

// The same of a key that belongs to a customer who was merged into him.
std::optional<std::string> digest_of_source(const batch &into, const known_person &person, std::string_view key);

} // namespace mega::moving
