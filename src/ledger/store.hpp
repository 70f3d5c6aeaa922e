// The store: what may be done with rows of customers and of the ledger. How it is done, directly or by SQL, is chosen
// once for a call by whoever opens the store; nobody else knows. The rules for rows hold whichever way they go.
#pragma once

#include "ledger/customer.hpp"
#include "ledger/new_row.hpp"
#include "ledger/unprojected.hpp"
#include "pg/spi.hpp"

#include <functional>

namespace mega::ledger {

using customer_change = std::pair<schema::customer, pg::nullable_datum>;
using ledger_change = std::pair<schema::ledger, pg::nullable_datum>;

// What is to be changed of a customer that is seen and not locked, and of his snapshot, which lives as long as this
// runs; std::nullopt to have it locked. An sql_error has it locked, too, and goes on if the customer is found unchanged
// behind the lock. Does not touch customers itself.
using change_maker =
    std::function<std::optional<std::vector<customer_change>>(const locked_customer &, pg::nullable_datum preferences)>;

// What became of a customer: changed, or locked and not changed.
struct visited_customer {
    std::optional<locked_customer> locked;
};

// What became of a credit row: a key of it is taken; it is there and its projection is left to the caller; it is there
// and was projected, because a trigger of somebody's made it another row.
enum class appended { no, unprojected, projected };

// By what a person may be known: the pass ids that stand for an identity, and the identities.
struct identities {
    std::array<std::optional<std::string>, 5> pass_ids;
    std::optional<std::string> shopify_id;
    std::optional<pg::uuid> user_id;
};

class store {
public:
    store(pg::spi_connection &spi, const schema::table_catalog &where) : spi_(&spi), where_(where) {}
    virtual ~store() = default;
    store(const store &) = delete;
    store &operator=(const store &) = delete;

    pg::spi_connection &spi() const { return *spi_; }
    const schema::table_catalog &where() const { return where_; }

    // What is read lives as long as the call or the SPI connection. `place`: where a ledger row was seen last, a hint
    // only; becomes where it stands.

    // Locks the customer FOR NO KEY UPDATE and reads it as it stands behind the lock. std::nullopt when there is none,
    // or when somebody else has locked it and wait is LockWaitSkip. In REPEATABLE READ and above a customer changed
    // since the snapshot raises 40001.
    virtual std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait) = 0;
    std::optional<locked_customer> lock_customer(std::string_view pass_id) {
        return lock_customer(pass_id, LockWaitBlock);
    }

    // Locks the customer FOR KEY SHARE, which keeps merges and erasures off and nothing else, and reads it as it stands
    // behind the lock.
    virtual std::optional<locked_customer> share_customer(std::string_view pass_id) = 0;

    // Reads columns; false when there is no such customer.
    virtual bool read_customer(std::string_view pass_id, std::span<const schema::customer> columns,
                               std::span<pg::nullable_datum> values) = 0;

    // Changes columns of a customer that is locked, and mg_updated_at, which does not run back with the clock. Returns
    // how many rows that were: not one when somebody's trigger keeps the change out.
    [[nodiscard]] virtual std::uint64_t change_customer(const locked_customer &customer,
                                                        std::span<const customer_change> changes) = 0;

    // The same with an identity that another session may be about to have: false, and nothing written, when it does.
    [[nodiscard]] virtual bool claim_identity(const locked_customer &customer,
                                              std::span<const customer_change> changes) = 0;

    // Changes a customer without a lock of its own, where that is cheaper: only if it still is the version that is
    // seen, and nobody else had locked it then, so that nothing is decided before a long wait. Otherwise it is locked
    // instead, and the caller goes on. std::nullopt when there is none.
    virtual std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id,
                                                                    const change_maker &change) = 0;

    // What somebody's triggers may have made of a locked customer while rows of it were written.
    virtual void refresh(locked_customer &customer) = 0;

    // The pass ids of the customers that have one of these identities, in byte order; for one that was merged, its
    // target's.
    virtual std::vector<std::string> find_customers(const identities &known) = 0;

    // Inserts a customer; the first column is its pass id, columns that are not given get their defaults. False, and
    // nothing written, when one of its identities is taken, or when somebody's trigger keeps it out.
    [[nodiscard]] virtual bool insert_customer(std::span<const customer_change> row) = 0;

    // Reads columns of a ledger row; false when there is none.
    virtual bool read_row(std::string_view mg_id, std::span<const schema::ledger> columns,
                          std::span<pg::nullable_datum> values, ItemPointerData *place) = 0;

    // The same of the credit row with this reference.
    virtual bool read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                                   std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values) = 0;

    // Locks a ledger row, FOR SHARE or FOR NO KEY UPDATE, and reads columns of it as they stand behind the lock. place,
    // if any: where it was seen last, a hint; becomes where it stands.
    virtual bool lock_row(std::string_view mg_id, LockTupleMode mode, std::span<const schema::ledger> columns,
                          std::span<pg::nullable_datum> values, ItemPointerData *place) = 0;
    bool lock_row(std::string_view mg_id, LockTupleMode mode, std::span<const schema::ledger> columns,
                  std::span<pg::nullable_datum> values) {
        return lock_row(mg_id, mode, columns, values, nullptr);
    }

    // Changes columns of a generation that is locked; mg_mma_status is among them. Raises what the rules for changes
    // raise.
    virtual void change_generation(std::string_view mg_id, std::span<const schema::ledger> columns,
                                   std::span<const pg::nullable_datum> values) = 0;

    // What the customer's pending holds may bring back, by the newest snapshot.
    virtual std::int64_t pending_holds(std::string_view pass_id) = 0;

    // Whether something may have been taken back of the grant with this txn_id.
    virtual bool may_be_revoked(std::string_view txn_id) = 0;

    // Writes a hold's status. Its customer is locked.
    virtual void settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &place) = 0;

    // Writes the mg_meta of a credit row that is locked, with mega's own key in it. place: a hint.
    virtual void note_in_row(const std::string &mg_id, pg::jsonb meta, const ItemPointerData &place) = 0;

    // The greatest step number of a generation that is locked; std::nullopt when it has no step.
    virtual std::optional<std::int32_t> last_step(std::string_view generation_id) = 0;

    // Appends the row and what follows from it. False, and nothing written, when a row with the same id or the same
    // reference is there already: the caller looks which. Raises what the row's rules raise, 55000 when a trigger of
    // somebody's keeps the row out or gives it another id, and 23505 when a key of somebody's own does. The caller
    // holds the lock of the customer.
    [[nodiscard]] virtual bool append(const new_row &row) = 0;

    // Appends rows that are no credits, and what follows from all of them, together. Raises what `append` raises, and
    // 40001 when the id of one is taken: the caller has looked, under the locks that whoever appends such a row takes.
    // MG002, too, when a raw row took it in that moment.
    virtual void append_many(std::span<const new_row> rows) = 0;

    // The same for a credit row of the locked customer whose projection is the caller's, by `project_appended`.
    // overdraft_hint: null when the balance may fall below zero.
    [[nodiscard]] virtual appended append_credit(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                                 const char *overdraft_hint) = 0;

    // The same for one of many: it may go in with others, by `append_rest` at the latest, and then both raise MG002
    // when a key of one is taken, above READ COMMITTED 40001.
    [[nodiscard]] virtual appended append_one_of_many(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                                      const char *overdraft_hint) = 0;
    virtual void append_rest() = 0;

    // Whether triggers of others may have moved a row on when a write of it comes back.
    virtual bool others_act() const = 0;

    // Whether `change_or_lock_customer` may change a customer without having it locked first.
    virtual bool changes_unlocked() const = 0;

    // Rows that this store appended are about to be projected.
    virtual void arrive(const unprojected::row_ids &rows) = 0;

    // Does a part of a long call. What it reads may be gone behind it, and what it allocated goes: nothing else frees
    // that before the call ends, because where no statement ran a connection that is finished has no memory to give
    // back.
    virtual void apart(const std::function<void()> &part) = 0;

    // Which of some mg_ids, or of some references of credit rows, in byte order, the ledger may have: all that it has,
    // and others, few where that costs about one look.
    virtual void may_have_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) = 0;
    virtual void may_have_references(std::string_view ref_type, std::span<const std::string_view> ref_ids,
                                     std::span<bool> found) = 0;

    // The same for customers with pending holds, by the newest snapshot.
    virtual void may_have_pending_holds(std::span<const std::string_view> pass_ids, std::span<bool> found) = 0;

    // A statement of the caller's own, with the rights of the table's owner.
    template <class Column, class... Arguments>
    pg::rows run(const schema::table_entry<Column> &of, pg::statement &what, const Arguments &...arguments) {
        return run_as(of.owner, what, arguments...);
    }

    // The same with the rights of another role.
    template <class... Arguments> pg::rows run_as(Oid role, pg::statement &what, const Arguments &...arguments) {
        const pg::as_role other(role);
        return spi_->run(what, where_.schema, pg::access::read_write, arguments...);
    }

    // The same for what makes statements.
    template <class Column, class Body> static auto as_owner(const schema::table_entry<Column> &of, Body body) {
        const pg::as_role owner(of.owner);
        return body();
    }

protected:
    // For a part of a long call: another SPI connection.
    class use_of {
    public:
        use_of(store &of, pg::spi_connection &spi) noexcept : of_(of), outer_(of.spi_) { of.spi_ = &spi; }
        ~use_of() { of_.spi_ = outer_; }
        use_of(const use_of &) = delete;
        use_of &operator=(const use_of &) = delete;

    private:
        store &of_;
        pg::spi_connection *outer_;
    };

private:
    pg::spi_connection *spi_;
    const schema::table_catalog &where_;
};

// Chooses: once for each call, or for each round of a long one.
std::unique_ptr<store> open_store(pg::spi_connection &spi, const schema::table_catalog &where);

// Locks the customer; of one that was merged, the one that goes on: the pass id is that one's. std::nullopt when there
// is none.
std::optional<locked_customer> lock_who_goes_on(store &store, std::string_view pass_id);

// The same; raises 23503 when there is none, MG004 when he was erased.
locked_customer require_locked_customer(store &store, std::string_view pass_id);

// The same for what goes on with customers who were erased.
locked_customer require_locked_or_erased_customer(store &store, std::string_view pass_id);

// Locks the very row, erased or not, whoever goes on for it. Raises 23503 when there is none.
locked_customer require_locked_row(store &store, std::string_view pass_id);

// What a customer has, with the caller's rights and by the caller's snapshot.
struct current_balance {
    std::int32_t credits;
    std::int64_t pending_holds;              // the sum of their deltas
    std::optional<pg::timestamp> expires_at; // of what has no lot
    bool may_spend = true;                   // neither disabled nor deleted
    core::open_lots lots;
};
std::optional<current_balance> balance_of(const schema::table_catalog &where, std::string_view pass_id);

} // namespace mega::ledger
