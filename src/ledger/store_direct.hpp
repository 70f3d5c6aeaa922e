// The store that writes the tables directly, where they carry only what mega knows; the rules for rows are held here,
// and what a row moves is projected by who appends it. What it cannot do it leaves to SQL.
#pragma once

#include "ledger/store_sql.hpp"

namespace mega::ledger {

class direct_store final : public sql_store {
public:
    using sql_store::sql_store;

    std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait) override;
    std::optional<locked_customer> share_customer(std::string_view pass_id) override;
    bool read_customer(std::string_view pass_id, std::span<const schema::customer> columns,
                       std::span<pg::nullable_datum> values) override;
    std::uint64_t change_customer(const locked_customer &customer, std::span<const customer_change> changes) override;
    std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id,
                                                            const change_maker &change) override;
    void refresh(locked_customer &) override {} // no trigger of anybody's ran
    std::vector<std::string> find_customers(const identities &known) override;
    bool insert_customer(std::span<const customer_change> row) override;

    bool read_row(std::string_view mg_id, std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values,
                  ItemPointerData *place) override;
    bool read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                           std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values) override;
    using store::lock_row;
    bool lock_row(std::string_view mg_id, LockTupleMode mode, std::span<const schema::ledger> columns,
                  std::span<pg::nullable_datum> values, ItemPointerData *place) override;
    void change_generation(std::string_view mg_id, std::span<const schema::ledger> columns,
                           std::span<const pg::nullable_datum> values) override;
    std::int64_t pending_holds(std::string_view pass_id) override;
    bool may_be_revoked(std::string_view txn_id) override;
    void settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &place) override;
    void note_in_row(const std::string &mg_id, pg::jsonb meta, const ItemPointerData &place) override;
    std::optional<std::int32_t> last_step(std::string_view generation_id) override;
    bool append(const new_row &row) override;
    void append_many(std::span<const new_row> rows) override;
    appended append_credit(const new_row &row, std::string_view pass_id, std::int32_t delta,
                           const char *overdraft_hint) override;
    appended append_one_of_many(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                const char *overdraft_hint) override;
    void append_rest() override;
    bool others_act() const override { return false; }
    bool changes_unlocked() const override { return true; }
    void arrive(const unprojected::row_ids &) override {}
    void apart(const std::function<void()> &part) override;
    void may_have_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) override;
    void may_have_references(std::string_view ref_type, std::span<const std::string_view> ref_ids,
                             std::span<bool> found) override;
    void may_have_pending_holds(std::span<const std::string_view> pass_ids, std::span<bool> found) override;

private:
    // Inserts the row as its rules want it stored; `stored` becomes that.
    bool insert_checked(const new_row &row, ledger_row &stored);

    // Whether the ledger may have the id of one that the caller named.
    bool may_have_one(std::span<const new_row> rows);

    // Whether the customer of a row is not there, which rows that the caller holds on to need not rule out: they may
    // have been there before the foreign key. Through SQL Postgres refuses it.
    static bool lacks_customer(const new_row &row);

    // Makes of the row what its rules want stored; it goes in with others, by `append_rest`.
    void put_by(const new_row &row, ledger_row &stored);

    // Changes columns of a ledger row, and mg_updated_at; locks it. False when there is none.
    static bool change_row(std::string_view mg_id, std::span<const ledger_change> changes,
                           const ItemPointerData *place);

    std::vector<pg::nullable_datum> rest_; // rows that were checked, one behind the other
};

} // namespace mega::ledger
