#include "ledger/consequences.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/fold.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/notify.hpp"

namespace mega::ledger {

namespace {

void add_credits(movements &moved, const ledger_record &row) {
    using column = schema::ledger;
    const std::string_view mg_id = *row.text(column::mg_id), pass_id = *row.text(column::mg_pass_id);
    const std::int32_t delta = *row.int4(column::mg_delta);
    if (in_flight::opens_books() && in_flight::opens(mg_id, pass_id, delta))
        moved.add_credits(pass_id, 0); // it only opens the books: the balance contains it
    else if (const char *hint = in_flight::must_be_covered(mg_id))
        moved.add_spend(pass_id, delta, hint);
    else
        moved.add_credits(pass_id, delta);
}

} // namespace

void consequences::add(const ledger_record &row) {
    using column = schema::ledger;
    switch (core::parse_record_type(*row.text(column::mg_record_type)).value_or(core::record_type::feedback)) {
    case core::record_type::credit_transaction:
        return add_credits(moved_, row);
    case core::record_type::mma_event:
        moved_.add_event(*row.text(column::mg_pass_id),
                         {position_of(*row.time(column::mg_created_at), *row.text(column::mg_id)),
                          effects_of(*row.json(column::mg_meta), bad_column)});
        return lines_.add(row, column::mg_generation_id);
    case core::record_type::mma_step:
        return lines_.add(row, column::mg_generation_id);
    case core::record_type::generation:
        notify_status(row);
        return lines_.add(row, column::mg_parent_id);
    default:
        return;
    }
}

void consequences::settle(pg::session &session, const schema::tables &where) {
    moved_.project(session, where);
    lines_.verify(session, where);
}

} // namespace mega::ledger
