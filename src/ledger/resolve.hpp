// Which customer a pass id means that was given to a function.
#pragma once

#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// The pass id as written when a customer has it so (tables that were adopted may have UUIDs in capitals), else in its
// canonical spelling, whether or not there is such a customer; of a customer that was merged, the root's. The look runs
// as the owner: it is a rule's. access: read_only in reads. To be called before the function opens a session of its
// own; what it returns lives as long as the call.
std::string_view resolve_pass_id(const schema::table_catalog &where, std::string_view given,
                                 pg::access access = pg::access::read_write);

// The same without following merges: which row of mega_customers is meant.
std::string_view spell_pass_id(const schema::table_catalog &where, std::string_view given,
                               pg::access access = pg::access::read_write);

// For an optional argument: absent stays absent.
std::optional<std::string_view> resolve_optional(const schema::table_catalog &where,
                                                 std::optional<std::string_view> given,
                                                 pg::access access = pg::access::read_write);

// The pass id, and in front of them those of the customers who were merged into that one.
std::vector<std::string> pass_ids_meant(const schema::table_catalog &where, std::string_view pass_id);

// For reads: raises 23503 when the caller sees no such customer. The error repeats what was given: whom another
// customer's pass id means, the row of which a policy hides, is not told.
void require_visible_customer(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                              std::string_view given);

// For reads: the customers with this user id, one of each that goes on. In adopted tables they may be several.
std::vector<std::string> customers_of_user(const schema::table_catalog &where, const pg::uuid &user_id);

// For reads: whether there is a customer of exactly this pass id.
bool customer_stands(const schema::table_catalog &where, std::string_view pass_id);

// Whether the pass id that was given means the customer whom a row, or another entry of the call, names so.
bool means_customer(const schema::table_catalog &where, std::string_view given, std::string_view other);

} // namespace mega::ledger
