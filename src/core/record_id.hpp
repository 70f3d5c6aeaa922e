// The namespaced primary key of every ledger and admin row (I6).
#pragma once

#include <optional>
#include <string_view>

namespace mega::core {

enum class record_type {
    session,
    generation,
    feedback,
    credit_transaction,
    mma_step,
    mma_event,
    admin_session,
    admin_audit,
    profile,
    runtime_config,
    app_config
};

// The type of that exact name (lower case, as stored in mg_record_type); nullopt for any other word. Never raises.
std::optional<record_type> parse_record_type(std::string_view s) noexcept;

// The word stored in mg_record_type, which is also the prefix of mg_id.
std::string_view name(record_type type) noexcept;

// True for the six types of the ledger, false for the five of the admin table.
bool is_ledger_type(record_type type) noexcept;

// True when the id is `<record_type>:<rest>` in the shape of that type. The rest is not blank, has no control
// characters and at most 512 bytes; of an mma_step it is <generation_id>:<step_no> (parse_step_id) and the 512 bytes
// are the generation id's; of a runtime_config a canonical int4; of a profile a UUID. An unknown type: false. Never
// raises. FROZEN: a CHECK constraint calls it.
bool is_record_id(std::string_view type_name, std::string_view id) noexcept;

// What stands behind the prefix, if the id has the shape of that type. Never raises.
std::optional<std::string_view> rest_of(record_type type, std::string_view id) noexcept;

struct step_key {
    std::string_view generation_id;
    int step_no;
};

// Takes a whole mg_id `mma_step:<generation_id>:<step_no>`, split at the last colon (a generation id may contain
// colons); step_no is 0..2147483647 without leading zeros. Anything else: nullopt. Never raises.
std::optional<step_key> parse_step_id(std::string_view mg_id) noexcept;

// Takes the rest of an app_config id and the row's mg_key: true when they are equal or the rest is the key followed
// by `.v` and a canonical positive integer, the id of a version. Never raises.
bool app_config_key_matches(std::string_view rest, std::string_view key) noexcept;

// Takes the same; the number of the version that such a row is, nullopt for the row in force and for what does not
// match or is beyond 2147483647. Never raises.
std::optional<int> app_config_version(std::string_view rest, std::string_view key) noexcept;

// True when the key would look like the id of a version: it ends in `.v` and digits. Never raises.
bool looks_like_version(std::string_view key) noexcept;

// Takes an id as a caller gives it, bare or with its namespace (`generation:gen_1`), and returns it bare. One prefix is
// taken off, of this type only; the result is not checked. Never raises.
std::string_view strip_prefix(record_type type, std::string_view id) noexcept;

} // namespace mega::core
