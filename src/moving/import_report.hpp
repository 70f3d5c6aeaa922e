// What an import found and did, table by table: told at its end, as a document.
#pragma once

#include "moving/mapping.hpp"

namespace mega::moving {

// How many, and a few of them.
struct tally {
    static constexpr std::size_t most_examples = 20;

    std::int64_t rows = 0;
    std::vector<std::string> examples;

    void add(std::string example) {
        ++rows;
        if (examples.size() < most_examples)
            examples.push_back(std::move(example));
    }
    void add(const tally &other);
};

// A column that differs and was left as it is in mega.
struct difference {
    std::string id, field;
    std::optional<std::string> legacy, mega; // without secrets
};

struct table_report {
    std::int64_t read = 0, written = 0, there = 0, changed = 0, brought = 0;
    std::map<std::string_view, tally> mended, refused; // by the words of how and why
    std::vector<difference> differing; // of changed rows that were not brought; no more than most_examples

    void mend(const note &what, const std::string &id) {
        mended[what.what].add(what.example.empty() ? id : id + ": " + what.example);
    }
    void differ(difference what) {
        if (differing.size() < tally::most_examples)
            differing.push_back(std::move(what));
    }
    void add(const table_report &other);
};

// A report tells its caller all; what of it stays in an audit says nothing of a person.
enum class audience { caller, audit };

class import_report {
public:
    table_report &of(legacy table) { return tables_[static_cast<std::size_t>(table)]; }
    const table_report &of(legacy table) const { return tables_[static_cast<std::size_t>(table)]; }
    void add(const import_report &other);
    void leave_out(legacy table, std::int64_t rows) { // they are there as they were brought
        of(table).read += rows;
        of(table).there += rows;
    }

    // One person under two pass ids.
    struct person {
        std::string by, value, first, second;
    };
    void add_person(person one) {
        ++persons_;
        if (people_.size() < tally::most_examples)
            people_.push_back(std::move(one));
    }
    void open(std::int64_t credits) {
        ++openings_;
        opened_ += credits;
    }

    bool changed_anything() const; // rows were written, brought or refused for the first time
    void note_refusal() { refused_now_ = true; }
    pg::jsonb document(const legacy_schema &from, audience whose) const;

private:
    std::array<table_report, legacy_tables> tables_;
    std::vector<person> people_;
    std::int64_t persons_ = 0, openings_ = 0, opened_ = 0;
    bool refused_now_ = false;
};

} // namespace mega::moving
