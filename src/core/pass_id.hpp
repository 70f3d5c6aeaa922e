// The stable key of a customer (I11).
#pragma once

#include <string_view>

namespace mega::core {

// True for `pass:<kind>:<id>`: kind [a-z]+, id not empty and without whitespace at its ends, a canonical UUID behind
// the kinds user and anon, no control characters, at most 512 bytes in all. Never raises.
// FROZEN: a CHECK constraint calls it, and rows that once passed must pass again when a dump is restored.
bool is_pass_id(std::string_view s) noexcept;

// True for the form 8-4-4-4-12 in hexadecimal digits of either case; no braces, no urn: prefix. Never raises.
bool is_uuid(std::string_view s) noexcept;

// True for the words that applications write when there is no Shopify customer: after trimming, '' or 'anonymous' in
// any case. Never raises.
bool is_absent_shopify_id(std::string_view s) noexcept;

} // namespace mega::core
