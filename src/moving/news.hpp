// What is new in legacy tables since an import brought them: told by the digests that imports note of rows, so that a
// call which finds little costs little.
#pragma once

#include "moving/legacy.hpp"
#include "pg/procedure.hpp"

#include <map>
#include <set>

namespace mega::moving {

// The digests that imports noted, added up for each record type: where those of a table's rows make the same sum, they
// are the same. Read when the first is asked for: what is noted stays.
class noted_digests {
public:
    std::optional<std::string> sum_of(Oid schema, legacy table);

private:
    void read(Oid schema, const char *name);

    std::set<std::string> read_; // tables
    std::map<std::string, std::string> sums_;
};

class news {
public:
    // Looks at tables by the transaction's snapshot, by which held_rows reads, too.
    news(const legacy_schema &from, Oid schema, std::span<const legacy> tables, noted_digests &noted);

    // Whether the ids of all that is new are known; otherwise there are too many, or the tables do not tell.
    bool few() const { return few_; }
    bool nothing() const;
    const std::vector<std::string> &ids(legacy table) const { return of(table).ids; } // a row without one is new, too
    std::int64_t rows(legacy table) const { return of(table).rows; }                  // all of the table, where few
    std::int64_t rows() const;

private:
    struct found {
        std::int64_t rows = 0;
        std::vector<std::string> ids;
        bool nameless = false; // a row without an id is there
    };
    const found &of(legacy table) const { return found_[static_cast<std::size_t>(table)]; }
    void look(const legacy_schema &from, Oid schema, legacy table, noted_digests &noted);
    std::optional<std::string> count(const legacy_schema &from, legacy table);
    void find(const legacy_schema &from, Oid schema, legacy table);

    std::array<found, legacy_tables> found_;
    bool few_ = true;
};

} // namespace mega::moving
