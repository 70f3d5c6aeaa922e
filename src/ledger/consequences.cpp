#include "ledger/consequences.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/fold.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/notify.hpp"

namespace mega::ledger {

namespace {

// What a credit row adds to the balance: nothing, when it only opens the books.
std::int32_t moved_by(const ledger_record &row) {
    using column = schema::ledger;
    const std::int32_t delta = *row.int4(column::mg_delta);
    const bool contained =
        in_flight::opens_books() && in_flight::opens(*row.text(column::mg_id), *row.text(column::mg_pass_id), delta);
    return contained ? 0 : delta;
}

} // namespace

void consequences::add(const ledger_record &row) {
    using column = schema::ledger;
    switch (core::parse_record_type(*row.text(column::mg_record_type)).value_or(core::record_type::feedback)) {
    case core::record_type::credit_transaction:
        return moved_.add_credits(*row.text(column::mg_pass_id), moved_by(row));
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
