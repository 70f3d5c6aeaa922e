// What is worth knowing about a table that was there before mega: said in mega_install's report, or refused.
#pragma once

#include "schema/rules.hpp"

namespace mega::schema {

// Raises 42804 for a column whose type mega cannot read: its values would not be what they are taken for. 55000 for one
// whose collation calls different ids equal, for one that Postgres computes where it must not, and for customers that a
// crash empties while what names them stays.
void require_own_types(pg::spi_connection &spi, const target_table &table);

struct oddity {
    std::string object;
    const char *action;
    std::string detail;
};

// What the report says: another owner than the ledger's; that a crash empties the table; code of others; rewrite rules
// and deferrable keys that keep functions off; columns that do not take what functions write there; columns of the
// user's that rows of mega leave NULL though they may not be; defaults that are a time without a zone; a key under
// another name; and who but the owner was granted to write the table, or, when it has no trigger of mega yet, anything
// on it.
std::vector<oddity> oddities(pg::spi_connection &spi, const target_table &table);

// Takes from a table that was made just now what default privileges gave to anybody but its owner.
void revoke_default_grants(pg::spi_connection &spi, const target_table &table);

// What the report says when an object of another name does the work of one of ours.
std::string same_work(const std::string &other);

} // namespace mega::schema
