// What becomes of a legacy row: the columns of the row in mega, what had to be mended on the way, and whether it can be
// at all. Pure of the order in which rows come; the import writes it, the parity compares by it.
#pragma once

#include "moving/legacy_row.hpp"
#include "schema/table_catalog.hpp"

#include <functional>

namespace mega::moving {

// How often each happened is counted; the words are those of the report.
namespace how {
inline constexpr std::string_view null_time = "null_time";
inline constexpr std::string_view future_time = "future_time";
inline constexpr std::string_view signed_url = "signed_url";
inline constexpr std::string_view provider_url = "provider_url";
inline constexpr std::string_view unfit_url = "unfit_url";
inline constexpr std::string_view unfit_text = "unfit_text";
inline constexpr std::string_view unfit_json = MEGA_UNFIT_JSON;
inline constexpr std::string_view unfit_user_id = "unfit_user_id";
inline constexpr std::string_view unknown_status = "unknown_status";
inline constexpr std::string_view doubled_reference = "doubled_reference";
inline constexpr std::string_view mapped_reason = "mapped_reason";
inline constexpr std::string_view anonymous = "anonymous";
inline constexpr std::string_view by_session = "customer_of_session";
inline constexpr std::string_view email_key = "email_key";
inline constexpr std::string_view two_keys = "two_keys";
inline constexpr std::string_view missing_customer = "missing_customer";
inline constexpr std::string_view negative_balance = "negative_balance";
inline constexpr std::string_view unsaid_balance = "unsaid_balance";
inline constexpr std::string_view opened_balance = "balance_differs";
inline constexpr std::string_view taken_identity = "taken_identity";
inline constexpr std::string_view disabled = "disabled_taken_over";
} // namespace how

namespace why {
inline constexpr std::string_view bad_id = "bad_id";
inline constexpr std::string_view bad_customer = "bad_customer";
inline constexpr std::string_view zero_delta = "zero_delta";
inline constexpr std::string_view no_delta = "no_delta";
inline constexpr std::string_view reserved_id = "reserved_id";
inline constexpr std::string_view id_taken = "id_taken";
inline constexpr std::string_view refused = "refused";
inline constexpr std::string_view erased = "erased_customer";
} // namespace why

// Ids of mega's own credit rows begin so.
inline constexpr std::string_view reserved_beginnings[] = {
    "hold:", "capture:", "release:", "refund:", "transfer:", "expire:", "opening:", "revoke:", "topup:", "lot:"};

struct note {
    std::string_view what; // one of how or why
    std::string example;
};

// A column of mega and the column of legacy that it comes from.
template <class Column> struct field {
    const char *from;
    Column column;
    pg::nullable_datum value;
};

template <class Column> struct mapped {
    std::vector<field<Column>> fields;
    std::vector<note> mended;
    std::optional<note> refused;

    template <class Value> void set(const char *from, Column column, const Value &value) {
        fields.push_back({from, column, pg::to_datum(value)});
    }
    void mend(std::string_view what, std::string example) { mended.push_back({what, std::move(example)}); }
    const pg::nullable_datum *find(Column column) const {
        for (const auto &one : fields)
            if (one.column == column)
                return &one.value;
        return nullptr;
    }
};

// What a mapping goes by beside the row.
struct terms {
    pg::timestamp now;                                    // when the call began
    std::function<std::optional<pg::timestamp>()> newest; // the newest time of the table that has passed
    std::optional<pg::jsonb> reasons;                     // legacy reason -> the one that live calls use
    bool keeps_reference = true;                          // of a credit row: no other row has it
};

// Of a session, a generation, feedback or a credit row. Without mg_id, mg_pass_id and mg_payload.
mapped<schema::ledger> map_ledger_row(const legacy_row &row, const terms &by);

// Of a row of the office's tables. Without mg_actor_pass_id and mg_payload.
mapped<schema::admin> map_admin(const legacy_row &row, const terms &by);

// Of the rows of one customer, the first of which says what the others leave open. Without the pass id, the Shopify id
// and the balance.
mapped<schema::customer> map_customer(std::span<const legacy_row> rows, const terms &by);

// The id behind the prefix as it is stored, without what no id can be: std::nullopt then.
std::optional<std::string> mega_id_of(const legacy_row &row);

// A value as reports show it: times in UTC.
template <class Column> std::optional<std::string> shown(Column column, const pg::nullable_datum &value);

// The same without the secrets of URLs, as a payload has it.
template <class Column>
std::optional<std::string> shown_without_secrets(Column column, const pg::nullable_datum &value);

} // namespace mega::moving
