// The settings of mega, made known to Postgres.
#include "schema/settings.hpp"

#include "pg/postgres.hpp"

namespace mega {

namespace {

constinit int derived_writes_value = static_cast<int>(derived_writes::reject);
constinit int payload_urls_value = static_cast<int>(payload_urls::redact);
constinit char *asset_hosts_value = nullptr;
constinit bool notify_value = false;
constinit char *pass_id_value = nullptr;
constinit char *trusted_owners_value = nullptr;
constinit std::uint64_t trusted_owners_number = 0;
constinit bool install_value = true; // read by the extension's script
constinit int write_path_value = static_cast<int>(write_path::automatic);

constexpr config_enum_entry derived_writes_words[] = {
    {"reject", static_cast<int>(derived_writes::reject), false},
    {"ignore", static_cast<int>(derived_writes::ignore), false},
    {nullptr, 0, false},
};
constexpr config_enum_entry payload_urls_words[] = {
    {"redact", static_cast<int>(payload_urls::redact), false},
    {"reject", static_cast<int>(payload_urls::reject), false},
    {"keep", static_cast<int>(payload_urls::keep), false},
    {nullptr, 0, false},
};
constinit char *extra_event_types_value = nullptr;
constinit char *extra_mma_statuses_value = nullptr;
constinit char *extra_mma_modes_value = nullptr;
constinit char *extra_admin_record_types_value = nullptr;
constinit char *unkeyed_ref_types_value = nullptr;
constinit int deletes_value = static_cast<int>(deletes::reject);
constinit int raw_overdraft_value = static_cast<int>(raw_overdraft::allow);
constinit int pass_ids_value = static_cast<int>(pass_ids::strict);
constinit int steps_value = static_cast<int>(steps::strict);

constexpr config_enum_entry deletes_words[] = {
    {"reject", static_cast<int>(deletes::reject), false},
    {"mark", static_cast<int>(deletes::mark), false},
    {"allow", static_cast<int>(deletes::allow), false},
    {nullptr, 0, false},
};
constexpr config_enum_entry raw_overdraft_words[] = {
    {"allow", static_cast<int>(raw_overdraft::allow), false},
    {"refuse", static_cast<int>(raw_overdraft::refuse), false},
    {nullptr, 0, false},
};
constexpr config_enum_entry pass_ids_words[] = {
    {"strict", static_cast<int>(pass_ids::strict), false},
    {"any", static_cast<int>(pass_ids::any), false},
    {nullptr, 0, false},
};
constexpr config_enum_entry steps_words[] = {
    {"strict", static_cast<int>(steps::strict), false},
    {"fill", static_cast<int>(steps::fill), false},
    {nullptr, 0, false},
};

constexpr config_enum_entry write_path_words[] = {
    {"auto", static_cast<int>(write_path::automatic), false},
    {"sql", static_cast<int>(write_path::sql), false},
    {nullptr, 0, false},
};

// Which roles there are is looked at when it is read: the setting may come before them.
bool check_trusted_owners(char **given, void **, GucSource) {
    char *copy = pstrdup(*given);
    List *names = NIL;
    const bool good = SplitIdentifierString(copy, ',', &names);
    if (!good)
        GUC_check_errdetail("It is no list of names.");
    list_free(names);
    pfree(copy);
    return good;
}

// They become a part of an index.
bool check_plain_words(char **given, void **, GucSource) {
    const bool good = std::strpbrk(*given, "'\"\\{}") == nullptr;
    if (!good)
        GUC_check_errdetail("A word of it has a quote, a backslash or a brace.");
    return good;
}

void assign_trusted_owners(const char *, void *) { ++trusted_owners_number; }

std::string_view text_of(const char *value) noexcept { return value == nullptr ? "" : value; }

void define_words(const char *name, const char *what, char **value) {
    DefineCustomStringVariable(name, what, "Words, separated by commas, beside those of the specification.", value, "",
                               PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

void define_choice(const char *name, const char *what, const char *more, int *value, const config_enum_entry *words) {
    DefineCustomEnumVariable(name, what, more, value, *value, words, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

void define_settings_for_applications() {
    define_words("mega.extra_event_types", "Event types that have no effect on the snapshot.",
                 &extra_event_types_value);
    define_words("mega.extra_mma_statuses", "Statuses of a generation between queued and its end, in any order.",
                 &extra_mma_statuses_value);
    define_words("mega.extra_mma_modes", "Modes of a generation.", &extra_mma_modes_value);
    define_words("mega.extra_admin_record_types", "Record types of mega_admin, with any ids.",
                 &extra_admin_record_types_value);
    DefineCustomStringVariable("mega.unkeyed_ref_types", "Reference types that identify nothing.",
                               "Words, separated by commas: many credit rows may have one reference of such a type.",
                               &unkeyed_ref_types_value, "", PGC_SUSET, 0, check_plain_words, nullptr, nullptr);
    define_choice(
        "mega.deletes", "What a DELETE of a ledger row does.",
        "reject raises an error; mark sets mg_deleted_at; allow removes sessions, generations, steps and feedback.",
        &deletes_value, deletes_words);
    define_choice("mega.raw_overdraft", "Whether raw credit rows may take a balance below zero.",
                  "allow records them as facts; refuse raises an error.", &raw_overdraft_value, raw_overdraft_words);
    define_choice("mega.pass_ids", "What a pass id may be.", "strict holds to pass:<kind>:<id>; any takes any text.",
                  &pass_ids_value, pass_ids_words);
    define_choice("mega.steps", "What a raw step without input or output gets.",
                  "strict raises an error; fill stores empty ones.", &steps_value, steps_words);
}

} // namespace

std::string_view extra_event_types_setting() noexcept { return text_of(extra_event_types_value); }
std::string_view extra_mma_statuses_setting() noexcept { return text_of(extra_mma_statuses_value); }
std::string_view extra_mma_modes_setting() noexcept { return text_of(extra_mma_modes_value); }
std::string_view extra_admin_record_types_setting() noexcept { return text_of(extra_admin_record_types_value); }
std::string_view unkeyed_ref_types_setting() noexcept { return text_of(unkeyed_ref_types_value); }
deletes deletes_setting() noexcept { return static_cast<deletes>(deletes_value); }
raw_overdraft raw_overdraft_setting() noexcept { return static_cast<raw_overdraft>(raw_overdraft_value); }
pass_ids pass_ids_setting() noexcept { return static_cast<pass_ids>(pass_ids_value); }
steps steps_setting() noexcept { return static_cast<steps>(steps_value); }

derived_writes derived_writes_setting() noexcept { return static_cast<derived_writes>(derived_writes_value); }
payload_urls payload_urls_setting() noexcept { return static_cast<payload_urls>(payload_urls_value); }
std::string_view asset_hosts_setting() noexcept { return asset_hosts_value == nullptr ? "" : asset_hosts_value; }
bool notify_setting() noexcept { return notify_value; }
std::string_view pass_id_setting() noexcept { return text_of(pass_id_value); }
write_path write_path_setting() noexcept { return static_cast<write_path>(write_path_value); }

const char *trusted_owners_setting() noexcept { return trusted_owners_value == nullptr ? "" : trusted_owners_value; }
std::uint64_t trusted_owners_changes() noexcept { return trusted_owners_number; }

void define_settings() {
    DefineCustomEnumVariable("mega.derived_writes", "What a write to a derived column gets.",
                             "reject raises an error; ignore keeps the ledger's value with a warning.",
                             &derived_writes_value, static_cast<int>(derived_writes::reject), derived_writes_words,
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("mega.payload_urls", "What a signed URL in a raw payload gets.",
                             "redact replaces the signature's value; reject raises an error; keep stores it as it is.",
                             &payload_urls_value, static_cast<int>(payload_urls::redact), payload_urls_words, PGC_SUSET,
                             0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("mega.asset_hosts", "Hosts that asset URLs may have, separated by commas.",
                               "A leading *. stands for any subdomain. Empty allows every host.", &asset_hosts_value,
                               "", PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "mega.trusted_owners", "Roles whose code on mega's tables may run with the owner's rights.",
        "Names, separated by commas; superusers and the owner of a table always may.", &trusted_owners_value, "",
        PGC_SUSET, GUC_LIST_INPUT, check_trusted_owners, assign_trusted_owners, nullptr);
    DefineCustomBoolVariable("mega.notify", "Status changes of generations and new settings are sent to channels.",
                             "mega_generation, mega_app_config and mega_runtime_config.", &notify_value, false,
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("mega.pass_id", "The customer for whom this session speaks.",
                               "Read by mega_current_pass_id where request.jwt.claims name no user.", &pass_id_value,
                               "", PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable("mega.install", "CREATE EXTENSION calls mega_install.",
                             "Off, it makes the functions only: mega_install can be asked first what it would do.",
                             &install_value, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("mega.write_path", "How functions write rows.",
                             "auto writes them directly where a table carries only what mega knows; sql goes through "
                             "SQL always.",
                             &write_path_value, static_cast<int>(write_path::automatic), write_path_words, PGC_USERSET,
                             0, nullptr, nullptr, nullptr);
    define_settings_for_applications();
    MarkGUCPrefixReserved("mega");
}

} // namespace mega
