// The store that goes through SQL, with whatever the tables carry: their triggers check the rows and project them.
#pragma once

#include "ledger/store.hpp"
#include "pg/rounds.hpp"

namespace mega::ledger {

class sql_store : public store {
public:
    using store::store;

    std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait) override;
    std::optional<locked_customer> share_customer(std::string_view pass_id) override;
    bool read_customer(std::string_view pass_id, std::span<const schema::customer> columns,
                       std::span<pg::nullable_datum> values) override;
    std::uint64_t change_customer(const locked_customer &customer, std::span<const customer_change> changes) override;
    bool claim_identity(const locked_customer &customer, std::span<const customer_change> changes) final;
    std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id,
                                                            const change_maker &change) override;
    void refresh(locked_customer &customer) override;
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
    bool may_be_revoked(std::string_view) override { return true; } // asking costs as much as the answer
    void settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &place) override;
    void note_in_row(const std::string &mg_id, pg::jsonb meta, const ItemPointerData &place) override;
    std::optional<std::int32_t> last_step(std::string_view generation_id) override;
    bool append(const new_row &row) override;
    void append_many(std::span<const new_row> rows) override;
    appended append_credit(const new_row &row, std::string_view pass_id, std::int32_t delta,
                           const char *overdraft_hint) override;
    appended append_one_of_many(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                const char *overdraft_hint) override {
        return append_credit(row, pass_id, delta, overdraft_hint);
    }
    void append_rest() override {}
    bool others_act() const override;
    bool changes_unlocked() const override { return false; }
    void arrive(const unprojected::row_ids &rows) override { unprojected::arrived(rows); }
    void apart(const std::function<void()> &part) override;
    void may_have_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) override;
    void may_have_references(std::string_view ref_type, std::span<const std::string_view> ref_ids,
                             std::span<bool> found) override;
    void may_have_pending_holds(std::span<const std::string_view> pass_ids, std::span<bool> found) override;

protected:
    // A row that was not written: somebody has its id or its reference. Or it was kept out otherwise, and a caller that
    // looks who has the key would find nobody and look for ever.
    void require_taken(const new_row &row);

    // Does a part; what it allocated stays until it is forgotten.
    pg::rounds &run_on(const std::function<void()> &part);

private:
    [[noreturn]] void refuse_other_id(const new_row &row, std::optional<std::string_view> stored);

    // Of the call, not of its connection: a sweep finishes that after each of its batches.
    const MemoryContext memory_ = CurrentMemoryContext;
    std::optional<pg::rounds> parts_; // made with the first
};

// The values of the first row, if there is one.
inline bool take(const pg::rows &found, std::span<pg::nullable_datum> values) {
    if (found.empty())
        return false;
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = found.column(0, static_cast<int>(i));
    return true;
}

} // namespace mega::ledger
