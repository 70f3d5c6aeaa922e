// The stable key of a customer (I11), and the identities of which it is made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

enum class pass_id_fault {
    none,
    blank,
    too_long,
    control_character,
    no_prefix,
    kind,
    no_id,
    blank_ends,
    no_uuid,
    capitals
};

// none for `pass:<kind>:<id>`: kind [a-z]+, id not empty and without whitespace at its ends, a UUID in its canonical
// lower-case form behind the kinds user and anon, no control characters, at most 512 bytes in all; else the first fault
// that is found. Never raises.
// FROZEN in what it lets pass: a CHECK constraint calls it, and rows that once passed must pass again when a dump is
// restored.
pass_id_fault check_pass_id(std::string_view s) noexcept;

bool is_pass_id(std::string_view s) noexcept;

// What is wrong, as a sentence. '' for none.
std::string_view sentence(pass_id_fault fault) noexcept;

// The one way of writing a pass id that can be written in several: a UUID behind user and anon in lower case, a Shopify
// id without what GraphQL puts before it. std::nullopt when it is written so already, and for what is no pass id in any
// spelling. Raises std::bad_alloc only.
std::optional<std::string> canonical_pass_id(std::string_view s);

// True for the form 8-4-4-4-12 in hexadecimal digits of either case; no braces, no urn: prefix. Never raises.
bool is_uuid(std::string_view s) noexcept;

// A Shopify id as it is to be stored: without whitespace at its ends and without `gid://shopify/Customer/`. '' for the
// words that applications write when there is none: '', anonymous, undefined, null, nan, none, [object Object], in any
// letter case. A view into the same bytes, never raises.
std::string_view plain_shopify_id(std::string_view s) noexcept;

} // namespace mega::core
