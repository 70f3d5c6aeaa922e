// The settings of mega.
#pragma once

#include <cstdint>
#include <string_view>

namespace mega {

enum class derived_writes { reject, ignore };
enum class payload_urls { redact, reject, keep };

enum class write_path { automatic, sql };

// For applications as they are.
enum class deletes { reject, mark, allow };
enum class raw_overdraft { allow, refuse };
enum class pass_ids { strict, any };
enum class steps { strict, fill };

derived_writes derived_writes_setting() noexcept; // mega.derived_writes: what a foreign value in a derived column gets
payload_urls payload_urls_setting() noexcept;     // mega.payload_urls: what a signed URL in a raw payload gets
std::string_view asset_hosts_setting() noexcept;  // mega.asset_hosts: hosts allowed, separated by commas; '' allows all
bool notify_setting() noexcept;                   // mega.notify: status changes go to channel mega_generation
write_path write_path_setting() noexcept;         // mega.write_path: auto, or sql to write through SQL always

std::string_view pass_id_setting() noexcept; // mega.pass_id: whom the session speaks for, where no claims say it

// mega.trusted_owners: roles, besides superusers and a table's owner, whose code may run with the owner's rights, as
// SQL writes a list of names. The number counts up whenever the setting changes.
const char *trusted_owners_setting() noexcept;
std::uint64_t trusted_owners_changes() noexcept;

// Lists of words beyond the spec's, separated by commas.
std::string_view extra_event_types_setting() noexcept;
std::string_view extra_mma_statuses_setting() noexcept;
std::string_view extra_mma_modes_setting() noexcept;
std::string_view extra_admin_record_types_setting() noexcept;
std::string_view unkeyed_ref_types_setting() noexcept; // reference types that are no key

deletes deletes_setting() noexcept;             // mega.deletes: what a DELETE of a ledger row does
raw_overdraft raw_overdraft_setting() noexcept; // mega.raw_overdraft: whether raw rows take a balance below zero
pass_ids pass_ids_setting() noexcept;           // mega.pass_ids: whether any text may be a pass id
steps steps_setting() noexcept;                 // mega.steps: what a raw step without input or output gets

void define_settings(); // called once, when the library is loaded

} // namespace mega
