// A procedure that commits: what it holds across its transactions, and what it reads once for all of them.
#pragma once

#include "pg/spi.hpp"

extern "C" {
#include <utils/backend_status.h>
}

namespace pg {

// Whether the call may commit: not inside a transaction block, nor in a function.
bool may_commit(FunctionCallInfo fcinfo) noexcept;

// The connection to SPI that lies below all others of the procedure. From its beginning on every transaction is READ
// COMMITTED, whatever the default is: the procedure waits for others and goes on with what they left.
class procedure {
public:
    procedure();
    procedure(const procedure &) = delete;
    procedure &operator=(const procedure &) = delete;

    // Ends the transaction and begins the next. No other connection is open, no role taken on.
    void commit();
    void plan_anew(); // plans that the session keeps, be they foreign keys', were made for the tables as they were
    void finish();    // on success
};

// For the length of a scope within one transaction: dates, times and bytes in texts are written in one way, whatever
// the caller has set, queries are not compiled, and one from which row security would hide rows is refused (42501).
class plain_reading {
public:
    plain_reading();
    plain_reading(const plain_reading &) = delete;
    plain_reading &operator=(const plain_reading &) = delete;

    void end(); // on success; after an error, or a commit, the transaction's end gives the settings back

private:
    int level_;
};

// What a query gives, read as the caller by the transaction's snapshot, from memory. It is a plain reading.
rows executed_at_once(const std::string &query);
template <class Body> void read_at_once(const std::string &query, Body body) {
    plain_reading plainly;
    const rows found = executed_at_once(query);
    SPITupleTable *table = SPI_tuptable;
    body(found);
    call([table] { SPI_freetuptable(table); });
    plainly.end();
}

// What a query gives, read as the caller at one moment, that of the transaction's snapshot, and kept, beyond the end of
// transactions, where memory is not needed for it. It is a plain reading.
class held_rows {
public:
    // Commits. The query can be gone through backwards.
    held_rows(procedure &of, const std::string &query, std::span<const Oid> types,
              std::span<const nullable_datum> values);
    held_rows(const held_rows &) = delete;
    held_rows &operator=(const held_rows &) = delete;

    std::uint64_t count() const noexcept; // all that there are
    rows fetch(std::uint64_t most);       // the next ones; they live as long as the connection that is open
    void free();                          // those that were fetched last, by the same connection
    void back_to(std::uint64_t position); // so many rows were fetched then
    void close();                         // on success; after an error the transaction's end does it

private:
    Portal portal_ = nullptr;
    SPITupleTable *fetched_ = nullptr;
};

// A lock of the session that no SQL takes (pg/own_lock.hpp), given back at the end of a scope or when the transaction
// fails.
class session_lock {
public:
    // Raises 55006 with this message when another session has it.
    session_lock(std::uint32_t kind, std::uint32_t number, const char *message, const char *hint);
    session_lock(const session_lock &) = delete;
    session_lock &operator=(const session_lock &) = delete;

    void release(); // on success
};

// What others see the session do, by its application_name, for the length of a scope.
class shown_activity {
public:
    shown_activity() = default;
    ~shown_activity() { pgstat_report_appname(application_name); }
    shown_activity(const shown_activity &) = delete;
    shown_activity &operator=(const shown_activity &) = delete;

    void show(const std::string &what) const { pgstat_report_appname(what.c_str()); }
};

inline void tell(const std::string &message) {
    call([&message] { ereport(NOTICE, (errmsg_internal("%s", message.c_str()))); });
}

} // namespace pg
