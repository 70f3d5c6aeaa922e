// Reads and writes a customer's mg_meta with what mega notes in it.
#include "ledger/customer_note.hpp"

#include "ledger/in_flight.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"

namespace mega::ledger {

using column = schema::customer;

pg::jsonb meta_of(store &store, std::string_view pass_id) {
    constexpr column columns[] = {column::mg_meta};
    pg::nullable_datum value[1];
    const bool stored = store.read_customer(pass_id, columns, value) && !value[0].is_null;
    return stored ? pg::jsonb_of(value[0].value) : pg::empty_object();
}

void write_noted(store &store, const locked_customer &customer, std::vector<customer_change> changes, pg::jsonb meta) {
    const in_flight::own_key writing(customer.pass_id, own_value_of(meta));
    changes.emplace_back(column::mg_meta, pg::to_datum(meta));
    if (store.change_customer(customer, changes) != 1)
        refuse_kept_out(store, customer.pass_id);
}

} // namespace mega::ledger
