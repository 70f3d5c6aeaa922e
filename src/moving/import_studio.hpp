// Sessions, generations and feedback of a legacy schema.
#pragma once

#include "moving/import_person.hpp"

namespace mega::moving {

class import_studio : public table_import {
public:
    import_studio(legacy table, std::function<std::optional<pg::timestamp>(legacy)> newest)
        : table_(table), newest_(std::move(newest)) {}

    legacy table() const override { return table_; }
    void begin() override { named_.clear(); }
    void take(batch &into, const legacy_line &line) override;
    void end(batch &) override {}

private:
    bool belongs_to_erased(batch &into, std::string_view pass_id);
    void lock_person(batch &into);
    void require_person(batch &into, pg::timestamp since);
    void append(batch &into, const legacy_line &line, const legacy_row &row, const mapped<schema::ledger> &made);

    legacy table_;
    std::function<std::optional<pg::timestamp>(legacy)> newest_;
    std::string named_;   // the customer of the last row, who is locked where he is there
    known_person person_; // who that is
};

// The office's tables.
class import_office : public table_import {
public:
    import_office(legacy table, std::function<std::optional<pg::timestamp>(legacy)> newest)
        : table_(table), newest_(std::move(newest)) {}

    legacy table() const override { return table_; }
    void take(batch &into, const legacy_line &line) override;
    void end(batch &) override {}

private:
    legacy table_;
    std::function<std::optional<pg::timestamp>(legacy)> newest_;
};

} // namespace mega::moving
