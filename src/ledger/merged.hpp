// Customers that were merged into another one, and those who were erased, as mega's own key of their rows says it. A
// customer that was merged answers for the one that goes on: its root.
#pragma once

#include "ledger/row_check.hpp"
#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

// Reads from mg_meta what became of a customer.
void read_fate(locked_customer &customer, pg::jsonb meta);

// What a pass id means now: whom, and whether that one was erased. std::nullopt when there is no such customer.
struct meant_customer {
    std::string pass_id; // of the root
    bool erased = false;
};

// read(pass_id, meta): reads a customer's mg_meta, or returns false when there is none.
template <class Read> std::optional<meant_customer> follow_merges(std::string_view pass_id, Read read) {
    locked_customer seen;
    seen.pass_id = pass_id;
    // From a source to its root it is one step; a second one is what somebody merged between two looks.
    for (int steps = 0; steps < 100; ++steps) {
        pg::nullable_datum meta;
        if (!read(seen.pass_id, meta))
            return std::nullopt;
        seen.merged_into.reset();
        if (!meta.is_null && !pg::has_no_member(meta.value))
            read_fate(seen, pg::jsonb_of(meta.value));
        if (!seen.merged_into)
            return meant_customer{seen.pass_id, seen.erased};
        seen.pass_id = *seen.merged_into;
    }
    return std::nullopt;
}

std::optional<meant_customer> customer_meant(store &store, std::string_view pass_id);

// The same by the caller's snapshot, for reads, whatever the caller may read.
std::optional<meant_customer> customer_meant_by_caller(const schema::table_catalog &where, std::string_view pass_id);

// The same behind a lock FOR KEY SHARE of the root: as long as the transaction lasts it is neither merged nor erased.
std::optional<meant_customer> share_customer_meant(store &store, std::string_view pass_id);

// For rows that are appended to a customer without a lock of his own: locks him FOR KEY SHARE and returns whom the pass
// id means. Raises 23503, and MG004 for a customer who was erased.
std::string require_shared_customer(store &store, std::string_view pass_id);

// Locks whoever goes on for a customer, as it stands now. Raises MG004 for one who was erased.
void lock_anew(store &store, locked_customer &customer);

// Raises MG004: nothing more is written of a customer who was erased.
[[noreturn]] void refuse_erased(std::string_view pass_id);

// Moves what stands in the ledger under the pass id of a customer that was merged: rows of this transaction that the
// merge could not see.
void follow_merge(store &store, std::string_view from, std::string_view to);

// A raw row is stored under the root (BEFORE INSERT). Raises MG004 for an erased customer.
void store_under_root(const schema::table_catalog &where, ledger_row &row);

// An update that writes a pass id which means the stored one changes nothing.
void keep_pass_id(const schema::table_catalog &where, const ledger_row &old_row, ledger_row &new_row);

// Raises MG004 for a row that a function writes of a customer who was erased and in which a trigger of somebody's says
// something: functions say nothing then.
void refuse_text_by_others(const schema::table_catalog &where, const ledger_row &row);

// Raises MG004 for an update that writes of a customer who was erased what the erasure took away.
void refuse_text_of_erased(const schema::table_catalog &where, const ledger_row &old_row, const ledger_row &new_row);

// For rows of mega_admin about a customer: raises MG004 when he was erased.
void refuse_if_erased(const schema::table_catalog &where, std::optional<std::string_view> pass_id);

} // namespace mega::ledger
