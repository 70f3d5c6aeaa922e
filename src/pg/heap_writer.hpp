// A table written through the table and index access methods, without a parser, planner or executor run: for callers
// that know everything the table carries. Whether that is so is decided here, once per relation and backend, and again
// after every invalidation.
//
// What SQL would do and this does too: CHECK and NOT NULL constraints are evaluated, every index gets its entry, unique
// keys are claimed by speculative insertion, replica identity is checked, the command counter is kept. What it cannot
// do makes a table ineligible: triggers that are not the caller's, rules, inheritance, partitions, generated columns,
// unknown defaults, forced row security, exclusion or deferred keys, indexes with anybody's functions, other access
// methods.
#pragma once

#include "pg/datum.hpp"
#include "pg/guard.hpp"

namespace pg {

struct heap_column {
    const char *name;
    Oid type;
};

// An index that `find` and its like may be asked for, under any name.
struct heap_index {
    bool required; // without it the table is not eligible
    bool unique;
    const char *definition;         // what pg_get_indexdef says behind the table's name
    const char *left_out = nullptr; // a column: the predicate may leave out rows by a list of its values, too
};

// A foreign key of one column, told by what it references, whatever its name.
struct heap_reference {
    const char *column;
    const char *table; // of the same schema
    const char *key;   // its column that is referenced
};

// What the caller knows of the table.
struct heap_shape {
    std::span<const heap_column> columns; // by their names; every other column must be nullable and without default
    std::span<const char *const> fixed;   // those of them that no update changes: others' foreign keys may rest on them
    std::span<const char *const> triggers; // whose work the caller does itself
    std::span<const char *const> checks;   // CHECK constraints that may use the caller's own functions, in C
    const heap_reference *foreign_key;     // that the caller keeps itself; nullptr: none
    std::span<const heap_index> probed;
    bool only_read = false; // what acts on writes is no obstacle then: triggers, CHECKs, other columns and indexes
};

enum class locked { yes, newer, absent, skipped };

// The row type of a table as it was when it was asked for. It stays readable as long as this lives, whatever becomes of
// the table: what a call of Postgres brings in may have the table looked at anew.
class pinned_shape {
public:
    pinned_shape(TupleDesc shape, int &pins) noexcept : shape_(shape), pins_(pins) { ++pins_; }
    ~pinned_shape() { --pins_; }
    pinned_shape(const pinned_shape &) = delete;
    pinned_shape &operator=(const pinned_shape &) = delete;

    TupleDesc get() const &noexcept { return shape_; }
    TupleDesc get() && = delete; // it would outlive the pin

private:
    TupleDesc shape_;
    int &pins_;
};

class heap_writer {
public:
    static constexpr std::size_t most_rows = 128; // for insert_many: what still fits into the processor's cache

    explicit constexpr heap_writer(const heap_shape &shape) : shape_(shape) {}

    // Whether the relation may be written directly. Opens nothing for long.
    bool eligible(Oid relation);

    // Whether an operation on it is under way: then whoever enters again takes another way.
    bool is_in_use() const { return opened_in_ != InvalidSubTransactionId; }

    // Why the relation that was asked for last may not, in words that its owner can act on; '' when it may.
    const char *obstacle() const;

    // What the eligible relation's own default makes of a column that is not given; NULL when there is none. The
    // default may call a function that uses the table: no operation is under way meanwhile.
    nullable_datum default_of(std::size_t i);

    // Everything below wants the relation open: from open to close is one operation. Indexes are opened when they are
    // needed. False, and nothing open, when the relation changed meanwhile and is not eligible any more. After an error
    // the end of the (sub)transaction closes. Raises 55006 when an operation is under way already; and `close` does
    // when somebody came in between, by code that the table carries: what the operation rests on may not hold any more.
    bool open(LOCKMODE lock);
    void close();
    pinned_shape shape() const;                     // raises 40001 when the relation is not eligible any more
    bool has_index(std::size_t probed_index) const; // of an eligible relation: whether `find` may be asked for it
    bool has_other_keys() const { return has_other_keys_; } // of an eligible relation: unique indexes not probed
    bool reference_validated() const { return reference_validated_; } // of an eligible one: no foreign key is NOT VALID

    // Finds the row whose columns in the probed index equal the keys, by the snapshot that is active, and takes it
    // apart. False when there is none.
    bool find(std::size_t probed_index, std::span<const Datum> keys);

    // Locks the row that `find` found and takes its newest version apart. `absent`: deleted. `newer`: it was changed
    // since the snapshot by which it was found. `skipped`: somebody else has locked it, and wait is LockWaitSkip.
    // Raises 40001 where the isolation level asks for it.
    locked lock_found(LockTupleMode mode, LockWaitPolicy wait);

    // The last row, in the order of the index behind the keys.
    bool find_last(std::size_t probed_index, std::span<const Datum> keys);

    // Which of some texts, in byte order, the column behind the keys has in the probed index, be their rows visible or
    // not: one look for all of them. May say so of texts that it does not have, where the index has much else between
    // them or orders otherwise than by bytes.
    void find_texts(std::size_t probed_index, std::span<const Datum> keys, std::span<const std::string_view> texts,
                    std::span<bool> found);

    // The sum of a column of int4 over the rows whose columns in the probed index equal the keys.
    std::int64_t sum(std::size_t probed_index, std::span<const Datum> keys, std::size_t column);

    // Tries a row's place that the caller remembers: true when it is visible, and `find` has nothing to add.
    bool find_at(const ItemPointerData &place);

    nullable_datum column(std::size_t i) const;  // of the row found, by its number in the shape
    nullable_datum copy_of(std::size_t i) const; // the same as a value that outlives the page it stands on
    ItemPointerData place() const;

    // Writes a new version of the row found, with those columns changed that are set in `changes`. The row is locked.
    void update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes);

    // The same for a row that nobody locked. False, and nothing written, when it is not the version that was found any
    // more, when somebody else had locked it when it was found, or when a CHECK depends on what is changed and so on
    // that version: then it has to be locked first.
    bool try_update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes);

    // Inserts a row; columns that are not given are NULL. keyed: false, and nothing inserted, when a unique key is
    // taken; the caller looks by whom, with a new snapshot. Not keyed: raises 23505.
    bool insert(std::span<const nullable_datum> columns, bool keyed);

    // Inserts up to most_rows rows, `width` columns each, page by page. Raises 23505 when a unique key is taken.
    void insert_many(std::span<const nullable_datum> columns, std::size_t width);

    // Whether the index of this name, to which rows were inserted, is of that column alone.
    bool is_of_column(std::string_view index, std::size_t column) const;

private:
    struct state;
    TupleTableSlot *make_slot(inside);
    bool write_version(std::span<const std::pair<std::size_t, nullable_datum>> changes);
    bool found_is_held() const; // whether others had locked the row when it was found
    void build(inside, TupleTableSlot *slot, std::span<const nullable_datum> columns);

    bool is_decided() const { return decided_ && (state_ != nullptr || !eligible_); }
    void decide_now(inside, Relation relation);
    void decide_anew(Relation relation);
    bool take(inside, Relation relation); // an open one, which the operation is on now
    const char *decide(inside, Relation relation);
    const char *make_state(inside, Relation relation);
    const char *take_indexes(inside, Relation relation, state *made);
    bool is_probed_at(inside, Relation index, state *made, int i);
    void retire(inside);
    bool scan(std::size_t probed_index, std::span<const Datum> keys, ScanDirection direction);
    struct range; // of the column behind the keys
    IndexScanDesc begin_scan(inside, std::size_t probed_index, std::span<const Datum> keys,
                             const range *behind = nullptr);
    bool depends_on(Oid relation) const;
    Relation open_index(inside, int i);
    void open_indexes(inside);
    static void forget(Oid relation);
    static void on_transaction_end(XactEvent event, void *);
    static void on_subtransaction_end(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *);
    static void on_relation_change(Datum, Oid relation) { forget(relation); }
    static void on_function_change(Datum, int, uint32) { forget(InvalidOid); }
    friend void watch_heap_writers();

    heap_shape shape_;
    Oid relation_ = InvalidOid;
    bool decided_ = false;
    bool eligible_ = false;
    bool has_other_keys_ = false;
    bool reference_validated_ = false;
    fixed_text<300> obstacle_;
    bool watched_ = false;
    heap_writer *next_ = nullptr; // of all tables that were asked for
    LOCKMODE lock_ = NoLock;
    SubTransactionId opened_in_ = InvalidSubTransactionId; // where the operation under way began
    bool entered_ = false;                                 // somebody asked for the table meanwhile
    state *state_ = nullptr;
    static state *retired_; // of all tables: replaced while their shape was held
};

// A decision is forgotten when the relation or one of its indexes changes, or any function: an index or a constraint
// may call it.
void watch_heap_writers(); // called once, when the library is loaded

} // namespace pg
