// The direct path: rows of the three tables written without SQL, where a table carries only what mega knows. Every
// function here has a statement beside it, at its caller, that does the same through SQL.
#pragma once

#include <functional>
#include <set>

#include "ledger/project.hpp"
#include "pg/direct_table.hpp"

namespace mega::ledger::direct {

// Whether both tables may be written directly. The one place that decides.
bool possible(const schema::tables &where);

// Why it is not, in words that the tables' owner can act on; '' when it is.
std::string why_not(const schema::tables &where);

// Whether that holds and customers can be found by every identity.
bool may_ensure(const schema::tables &where);

// Whether it is possible and the caller may read both tables as they are: SELECT was granted and no policy hides rows.
bool may_read(const schema::tables &where);

void watch_transactions(); // called once, when the library is loaded

using customer_change = std::pair<schema::customer, pg::nullable_datum>;
using ledger_change = std::pair<schema::ledger, pg::nullable_datum>;

// Locks the customer FOR NO KEY UPDATE and reads it. std::nullopt when there is none, or when somebody else has locked
// it and wait is LockWaitSkip.
std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait = LockWaitBlock);

// What is to be changed of a customer that is seen and not locked; std::nullopt to have it locked. An sql_error has it
// locked, too, and goes on if the customer is found unchanged behind the lock. Does not touch customers itself.
using change_maker = std::function<std::optional<std::vector<customer_change>>(const locked_customer &)>;

// What became of a customer: changed, or locked and not changed.
struct visited_customer {
    std::optional<locked_customer> locked;
};

// Changes a customer without a lock of its own, which would cost as much as the change: only if it still is the version
// that is seen, and nobody else had locked it then, so that nothing is decided before a long wait. Otherwise it is
// locked (FOR NO KEY UPDATE) instead, and the caller goes on. std::nullopt when there is none.
std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id, const change_maker &change);

// The pass ids of the customers that have one of these identities; for a row that was merged, its target's.
std::set<std::string> find_customers(const std::set<std::string> &pass_ids,
                                     const std::optional<std::string> &shopify_id,
                                     const std::optional<pg::uuid> &user_id);

// The row type of customers, and a row of it as the table's defaults fill it.
pg::pinned_shape customer_shape();
void default_customer(std::span<pg::nullable_datum> columns);

// Inserts a customer that was checked. False, and nothing written, when one of its identities is taken.
bool insert_customer(std::span<const pg::nullable_datum> columns);

// Changes columns of a customer that is locked, and mg_updated_at, which does not run back with the clock (as
// stamp_behind says) unless the changes name it. Stays HOT when no indexed column changes.
// place: where it was seen last; a hint only.
void update_customer(std::string_view pass_id, std::span<const customer_change> changes,
                     const ItemPointerData *place = nullptr);

// Reads columns of a customer or of a ledger row; false when there is none. What is read lives as long as the call.
// place: where the ledger row was seen last, a hint only; becomes where it stands.
bool read_customer(std::string_view pass_id, std::span<const schema::customer> columns,
                   std::span<pg::nullable_datum> values);
bool read_record(std::string_view mg_id, std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values,
                 ItemPointerData *place = nullptr);

// What a customer has, by the caller's snapshot.
struct standing_balance {
    std::int32_t credits;
    std::int64_t pending_holds; // the sum of their deltas
    std::optional<pg::timestamp> expires_at;
};
std::optional<standing_balance> balance_of(std::string_view pass_id);

// The credit row with this reference.
bool read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                       std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values);

// Which of some mg_ids, or of some references of credit rows, in byte order, the ledger may have: all that it has, and
// few others. Costs about one look, however many they are.
void find_ids(std::span<const std::string_view> mg_ids, std::span<bool> found);
void find_references(std::string_view ref_type, std::span<const std::string_view> ref_ids, std::span<bool> found);

// Locks a ledger row and reads columns of it as they stand behind the lock; false when there is none.
bool lock_record(std::string_view mg_id, LockTupleMode mode, std::span<const schema::ledger> columns,
                 std::span<pg::nullable_datum> values);

// The greatest step number of a generation; std::nullopt when it has no step.
std::optional<std::int32_t> last_step(std::string_view generation_id);

// Changes columns of a ledger row, and mg_updated_at; locks it. False when there is none. place: where it was seen
// last; a hint only.
bool update_record(std::string_view mg_id, std::span<const ledger_change> changes,
                   const ItemPointerData *place = nullptr);

// Appends a row that was checked. False, and nothing written, when a key of it is taken.
bool append(std::span<const pg::nullable_datum> columns, bool keyed);

// Appends up to most_appended rows that were checked, one behind the other. Raises 23505 when a key of one is taken.
inline constexpr std::size_t most_appended = pg::direct_table::most_rows;
void append_many(std::span<const pg::nullable_datum> columns);

// The row type of the ledger, for rows that are checked before they are appended.
pg::pinned_shape record_shape();

} // namespace mega::ledger::direct
