// What is new in legacy tables since an import brought them: told by the digests that imports note of rows, so that a
// call which finds little costs little.
#pragma once

#include "moving/legacy.hpp"
#include "pg/procedure.hpp"

namespace mega::moving {

class news {
public:
    // Looks at tables by the transaction's snapshot, by which held_rows reads, too.
    news(const legacy_schema &from, Oid schema, std::span<const legacy> tables);

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
    void look(const legacy_schema &from, Oid schema, legacy table);

    std::array<found, legacy_tables> found_;
    bool few_ = true;
};

} // namespace mega::moving
