// What mega notes of a customer in its own key of mg_meta.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

// mg_meta of a customer, read anew; {} for NULL.
pg::jsonb meta_of(store &store, std::string_view pass_id);

// Writes columns of a locked customer and its mg_meta, with mega's own key in it. Raises 55000 when somebody's trigger
// keeps that out.
void write_noted(store &store, const locked_customer &customer, std::vector<customer_change> changes, pg::jsonb meta);

} // namespace mega::ledger
