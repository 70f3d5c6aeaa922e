// The writes that mega itself has under way. The projection's own write to a derived column passes the guard because it
// is exactly the value on this stack, which only the projection can push: not by trigger depth, not by a flag, not by
// comparing with the ledger's sum.
#pragma once

#include "pg/jsonb.hpp"
#include "pg/trigger.hpp"

#include <string_view>
#include <utility>

namespace mega::ledger::in_flight {

// When a trigger looks at a row: before it is stored, or behind that, because somebody else's trigger came between.
enum class moment { before, after };

enum class act {
    call,  // of a function that writes: what it has looked up, above all who answers for a customer, has to stay so
    merge, // that moves rows: what is stored of the two customers and what the ledger has of them differ meanwhile
};

// For the length of a scope.
class under_way {
public:
    explicit under_way(act what) noexcept;
    ~under_way();
    under_way(const under_way &) = delete;
    under_way &operator=(const under_way &) = delete;

private:
    act what_;
};

// Raises 55006 when such an act is under way: code of somebody's on a table of mega called this one in the middle of
// it. refused: what cannot be done then.
void require_none(act what, const char *refused);

// On the stack of its kind for the length of a scope. What it points to must outlive it.
template <class Kind> class stacked {
public:
    stacked(const stacked &) = delete;
    stacked &operator=(const stacked &) = delete;

protected:
    stacked() noexcept
        : subtransaction_(GetCurrentSubTransactionId()), depth_(pg::trigger_depth()),
          below_(std::exchange(top_, this)) {}
    ~stacked() { top_ = below_; }

    static bool is_empty() noexcept { return top_ == nullptr; }

    // Null when it was pushed in another subtransaction.
    static Kind *top() noexcept {
        return !is_empty() && top_->subtransaction_ == GetCurrentSubTransactionId() ? static_cast<Kind *>(top_)
                                                                                    : nullptr;
    }

    // The same for a trigger of the statement that it was pushed for: not for one of what another trigger writes.
    static Kind *top_for_trigger() noexcept {
        Kind *const found = top();
        return found != nullptr && found->triggers_since() == 1 ? found : nullptr;
    }

    int triggers_since() const noexcept { return pg::trigger_depth() - depth_; }

private:
    static inline constinit stacked *top_ = nullptr;

    SubTransactionId subtransaction_;
    int depth_; // of triggers
    stacked *below_;
};

// What the projection is about to write of a customer.
class projection : stacked<projection> {
    friend stacked;

public:
    // preferences: the snapshot about to be written, null when it stays as it is.
    projection(std::string_view pass_id, std::int32_t credits, const Jsonb *preferences) noexcept;

private:
    friend class look;

    std::string_view pass_id_;
    std::int32_t credits_;
    const Jsonb *preferences_;
    int looks_ = 0;
};

// A trigger's look at the write on top of the stack. Each write is let through once before it is stored and once behind
// that: a value that has been written is used up, and a second write of it is somebody else's. So is a write of a
// trigger that fires while the projection is under way: only the projection's own statement stands one trigger deep.
class look {
public:
    look(std::string_view pass_id, moment when) noexcept;

    // Whether the write that is looked at is a projection's: then it has to be exactly what the projection writes.
    bool is_projection() const noexcept { return seen_ != nullptr; }
    bool projects_preferences() const noexcept { return seen_ != nullptr && seen_->preferences_ != nullptr; }

    // What it writes.
    std::int32_t credits() const noexcept { return seen_->credits_; }
    const Jsonb *preferences() const noexcept { return seen_->preferences_; }

private:
    // Null when the write on top is another customer's, another subtransaction's or depth's, or used up.
    const projection *seen_ = nullptr;
};

// What a row's own key becomes (I17): pushed around the write of the row that a function of mega makes.
class own_key : stacked<own_key> {
    friend stacked;

public:
    // row: its mg_id or pass id. value: null when the write has none. pass_id: of a row that is appended, whose it is.
    own_key(std::string_view row, const JsonbContainer *value, std::string_view pass_id = {}) noexcept;

    // Whether every look saw the row as it is written: another trigger may have changed it. checked_behind: whether
    // there was a look behind the storing, too.
    bool was_kept(bool checked_behind) const noexcept {
        return value_ == nullptr || looks_ == (checked_behind ? 2 : 1);
    }

private:
    friend bool writes_own_key(std::string_view, const pg::json_value &, moment);
    friend bool is_written(std::string_view) noexcept;
    friend bool is_written_for(std::string_view, std::string_view) noexcept;

    std::string_view row_;
    std::string_view pass_id_;
    const JsonbContainer *value_;
    int looks_ = 0;
};

// Whether the write on top of the stack is of this row and gives its own key this value, in this subtransaction, and
// is no other trigger's. As with projections, each is let through once at either moment.
bool writes_own_key(std::string_view row, const pg::json_value &given, moment when);

// Whether a function of mega is writing this row right now: it has asked what a raw row is asked.
bool is_written(std::string_view row) noexcept;

// The same, and for the customer whom the function has looked up: a trigger of somebody's may give a row another one.
bool is_written_for(std::string_view row, std::string_view pass_id) noexcept;

// Rows that go from a customer to the one that he was merged into: nobody else's write changes a pass id.
class move : stacked<move> {
    friend stacked;

public:
    move(std::string_view from, std::string_view to) noexcept;

private:
    friend bool moves(std::string_view, std::string_view) noexcept;

    std::string_view from_, to_;
};

// Whether the move on top of the stack goes this way, in this subtransaction, and is asked about by a trigger of its
// own statement.
bool moves(std::string_view from, std::string_view to) noexcept;

// Holds that are being settled: their mg_ids, sorted.
class settlement : stacked<settlement> {
    friend stacked;

public:
    explicit settlement(std::span<const std::string> mg_ids) noexcept;

private:
    friend bool settles(std::string_view) noexcept;

    std::span<const std::string> mg_ids_;
};

// Whether the settlement on top of the stack is of this hold and this subtransaction, and is asked about by a trigger
// of its own statement: not about what another trigger writes meanwhile.
bool settles(std::string_view mg_id) noexcept;

// A credit row that a function of mega appends while it holds the lock of its customer: the function projects it, not
// the trigger. A row that a trigger of somebody's made another one on its way is projected like any row. When it must
// not take a balance below zero (I3), whether there is enough is asked by whoever projects it, because a trigger of
// somebody's may have spent meanwhile, or made it a row that takes more.
class credit : stacked<credit> {
    friend stacked;

public:
    // hint: of the error when it takes a balance below zero; null when it may.
    credit(std::string_view mg_id, std::string_view pass_id, std::int32_t delta, const char *hint) noexcept;

    bool is_left() const noexcept { return left_; } // to who appends it

private:
    friend const char *must_be_covered(std::string_view) noexcept;
    friend bool is_left(std::string_view, std::string_view, std::int32_t) noexcept;

    std::string_view mg_id_;
    std::string_view pass_id_;
    std::int32_t delta_;
    const char *hint_;
    bool left_ = false;
};

// The hint for an overdraft when the row is the credit row on top of the stack; null for any other row.
const char *must_be_covered(std::string_view mg_id) noexcept;

// Whether the row is exactly the posting on top of the stack, in this subtransaction, and the trigger that asks is its
// own statement's. Leaves its projection to who appends it.
bool is_left(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept;

// A credit row that opens the books of adopted tables: the balance contains its delta already, so its projection adds
// nothing. Of no use to anybody else: only mega_open_books, the owner's alone, pushes one; it stands for the one row of
// exactly this id, customer and delta, once, in this subtransaction, while that row is being appended; and the delta is
// what balance and ledger were found to differ by under the customer's lock. A row that a trigger made another one on
// its way is projected like any row, and mega_open_books looks again behind the append.
class opening : stacked<opening> {
    friend stacked;

public:
    opening(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept;

private:
    friend bool opens_books() noexcept;
    friend bool opens(std::string_view, std::string_view, std::int32_t) noexcept;

    std::string_view mg_id_;
    std::string_view pass_id_;
    std::int32_t delta_;
    bool used_ = false;
};

bool opens_books() noexcept; // whether there is any opening: asked for every row, so that others pay nothing

// Whether the opening on top of the stack is this row. Uses it up.
bool opens(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept;

} // namespace mega::ledger::in_flight
