// A batch of an import: what its rows are written with, and the interface of what writes the rows of one table.
#pragma once

#include "ledger/store.hpp"
#include "moving/doubled_keys.hpp"
#include "moving/import_report.hpp"
#include "pg/procedure.hpp"

#include <set>

namespace mega::moving {

// A row as a statement of legacy_sql.hpp gives it. Its texts live as long as the rows that were fetched.
struct legacy_line {
    std::optional<std::string_view> pass_id, id, digest;
    std::optional<pg::jsonb> document;
    std::int32_t kind = 0;
    bool there = false, imported = false, keeps_reference = true, by_session = false;
    std::optional<std::int64_t> delta;

    static legacy_line read(const pg::rows &from, std::uint64_t row);
};

// Documents that outlive the rows they came with.
class kept_documents {
public:
    pg::jsonb keep(pg::jsonb document) {
        const auto size = VARSIZE(document.document);
        kept_.push_back(std::make_unique<std::byte[]>(size));
        return {static_cast<Jsonb *>(std::memcpy(kept_.back().get(), document.document, size))};
    }

private:
    std::vector<std::unique_ptr<std::byte[]>> kept_;
};

// What a call of mega_import was asked for.
struct import_task {
    const legacy_schema &from;
    pg::timestamp began;
    std::optional<pg::jsonb> reasons;
};

// How a batch goes about its rows: as fast as can be; one unit alone, and each row by itself; or the unit is refused,
// because even so it could not be written.
enum class care { none, each_row, refuse };

struct batch {
    ledger::store &store;
    const schema::table_catalog &where;
    const import_task &task;
    import_report &report;
    care mode;
    std::string refusal; // why, when the unit is refused
    const set_of_ids &erased_keys;
    const doubled_keys &doubled;

    terms terms_for(std::function<std::optional<pg::timestamp>()> newest) const {
        return {task.began, std::move(newest), task.reasons, true};
    }

    // Counts a row of somebody who was erased. Nothing of it is kept; its id is told, save a customer's key, which may
    // be an address, and what can be no id and so be anything.
    void leave_out(legacy table, std::optional<std::string_view> id);

    // Counts a row that cannot be, and keeps it as an audit.
    void refuse(legacy table, const std::string &id, pg::jsonb document, const note &reason);
};

// Writes a row by itself: what fails is rolled back, and told. Raises what is not the row's fault.
std::optional<std::string> fault_of_row(const std::function<void()> &write);

// Raises 40001, upon which the batch is begun anew: somebody was merged or erased between the look and the lock.
[[noreturn]] void refuse_who_moved(const std::string &pass_id);

// An error, as a report tells it.
std::string told(int sql_state, const char *message);

// Whether an error may be the row's own fault; the import goes on without it.
bool is_fault_of_data(int sql_state) noexcept;

class table_import {
public:
    virtual ~table_import() = default;

    virtual legacy table() const = 0;
    virtual void begin() {}                                              // a batch, or one that was rolled back again
    virtual bool ends_before(const legacy_line &) const { return true; } // whether a batch may end before this row
    // Nothing of what one call allocates outlives the next one.
    virtual void take(batch &into, const legacy_line &line) = 0;
    virtual void end(batch &into) = 0;
};

// Takes rows until the batch is full. done: how many, the one at fault included.
void go_through(table_import &rows, pg::held_rows &source, batch &into, std::uint64_t limit, std::uint64_t &done);

// The document of a row of the ledger or of the office with the note of the import: {"import": …} in mega's own key.
pg::jsonb noted(pg::jsonb meta, const legacy_row &row, const std::vector<note> &mended);

} // namespace mega::moving
