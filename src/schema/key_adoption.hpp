// The key `mega` in mg_meta is mega's own (I17). In tables that it has never had it is somebody else's: on the first
// adoption it is renamed, before there are triggers that would take it for mega's.
#pragma once

#include <list>

#include "pg/result.hpp"
#include "schema/rules.hpp"

namespace mega::schema {

// By an index of this name mega knows a ledger that was its own before: it stays when the extension is dropped, and in
// dumps. Without it by CHECKs of mega's, which stand in a table's definition.
inline constexpr std::string_view known_ledger_by = "mega_generations_pending_hold";

class key_adoption {
public:
    // Looks, without a lock that stops a writer.
    key_adoption(pg::spi_connection &spi, Oid schema);
    key_adoption(const key_adoption &) = delete;
    key_adoption &operator=(const key_adoption &) = delete;

    void prepare(); // large tables, while writers go on
    void finish();  // small ones, under the lock and before they get their triggers
    void tell(pg::row_set &report) const;

private:
    struct holder {
        target_table table;
        bool large;
        bool done = false;
        std::int64_t rows = 0;
        std::string example{};

        std::string command() const;
    };

    bool is_first() const;
    void rename(holder &one);

    pg::spi_connection &spi_;
    Oid schema_;
    std::list<holder> holders_;
};

} // namespace mega::schema
