// The customers of a legacy schema, each with all his credit rows and the row that opens his balance: they commit
// together.
#pragma once

#include "ledger/project.hpp"
#include "moving/import_person.hpp"

namespace mega::moving {

// One customer, while his rows come.
struct imported_customer {
    std::string named; // as the statement named him
    known_person person;
    kept_documents documents{}; // his and those of his rows
    std::vector<person_row> rows{};
    std::size_t news = 0, changed = 0; // of the rows: new or changed, changed
    bool settled = false;              // his own row is
    bool fresh = false;                // made here
    bool open = false;                 // locked
    ledger::locked_customer customer{};
    pg::timestamp since{};           // of the first credit row
    std::int64_t written_before = 0; // credits of rows that imports wrote, when these rows were asked for
    std::int64_t foreign = 0;        // credits of legacy's rows that are there and no import wrote
    std::int64_t appended = 0;       // credits of rows that were written
    ledger::appended_rows waiting{};
};

class import_customers : public table_import {
public:
    explicit import_customers(std::function<std::optional<pg::timestamp>(legacy)> newest)
        : newest_(std::move(newest)) {}

    legacy table() const override { return legacy::customers; }
    void begin() override { unit_.reset(); }
    bool ends_before(const legacy_line &line) const override { return !unit_ || line.pass_id != unit_->named; }
    void take(batch &into, const legacy_line &line) override;
    void end(batch &into) override;

private:
    using unit = imported_customer;

    void start(batch &into, std::string_view pass_id);
    void take_person(const legacy_line &line);
    void count_person(batch &into);
    void refuse_credit(batch &into, const std::string &id, pg::jsonb document, const note &reason);
    void take_credit(batch &into, const legacy_line &line);
    void compare_credit(batch &into, const legacy_line &line, const legacy_row &row);
    void append_credit(batch &into, const legacy_line &line, const legacy_row &row);
    void settle_person(batch &into);
    void open_customer(batch &into);
    void open_balance(batch &into);
    bool append_opening(batch &into, std::int64_t number, std::int32_t delta);
    bool write(batch &into, const ledger::new_row &row, std::int32_t delta);
    terms terms_of(const batch &into, legacy table) const;

    std::function<std::optional<pg::timestamp>(legacy)> newest_;
    std::optional<unit> unit_;
};

} // namespace mega::moving
