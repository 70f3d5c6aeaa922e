// Statement effects: what each appended row does to its customer, and the generations it names.
#include "ledger/statement_effects.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/merged.hpp"
#include "ledger/notify.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/unprojected.hpp"
#include "pg/rounds.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

template <class Value> Value need(const std::optional<Value> &value, column c) {
    return require_column(schema::name(c), value);
}

void add_credits(statement_projection &moved, const ledger_row &row) {
    const std::string_view mg_id = need(row.text(column::mg_id), column::mg_id);
    const std::string_view pass_id = need(row.text(column::mg_pass_id), column::mg_pass_id);
    const std::int32_t delta = need(row.int4(column::mg_delta), column::mg_delta);
    if (in_flight::opens_books() && in_flight::opens(mg_id, pass_id, delta))
        moved.add_credits(pass_id, 0, nullptr); // it only opens the books: the balance contains it
    else if (const char *hint = in_flight::must_be_covered(mg_id))
        moved.add_credits(pass_id, delta, hint);
    else if (delta < 0 && raw_overdraft_setting() == raw_overdraft::refuse && !in_flight::is_written(mg_id))
        moved.add_spend_of_statement(pass_id, delta, "mega.raw_overdraft is refuse: grant credits first.");
    else
        moved.add_credits(pass_id, delta, nullptr);
}

// Whether a function of mega appends the row and projects it.
bool is_left_to_caller(const ledger_row &row) {
    if (row.text(column::mg_record_type) != core::name(core::record_type::credit_transaction))
        return false;
    const auto mg_id = row.text(column::mg_id), pass_id = row.text(column::mg_pass_id);
    const auto delta = row.int4(column::mg_delta);
    return mg_id && pass_id && delta && in_flight::is_left(*mg_id, *pass_id, *delta);
}

} // namespace

void statement_effects::add(const ledger_row &row) {
    // Of an adopted table whose column allows it: `check_new_row` left such a row to whoever fills it in behind it.
    const std::string_view id = need(row.text(column::mg_id), column::mg_id);
    const std::string_view type = need(row.text(column::mg_record_type), column::mg_record_type);
    switch (core::parse_record_type(type).value_or(core::record_type::feedback)) {
    case core::record_type::credit_transaction:
        return add_credits(moved_, row);
    case core::record_type::mma_event:
        moved_.add_event(need(row.text(column::mg_pass_id), column::mg_pass_id),
                         {position_of(need(row.time(column::mg_created_at), column::mg_created_at), id),
                          effects_of(need(row.json(column::mg_meta), column::mg_meta), bad_column)});
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

void statement_effects::add_waiting(const ledger_row &row) {
    if (is_left_to_caller(row)) // it waits on
        return;
    add(row);
    const std::string_view mg_id = row.text(column::mg_id).value_or("");
    const auto pass_id = row.text(column::mg_pass_id);
    if (pass_id && !in_flight::is_written_for(mg_id, *pass_id) && !raw_.contains(*pass_id))
        raw_.emplace(*pass_id);
    if (!pass_id || !moved_.add_waiting(*pass_id, mg_id)) {
        unprojected::row_ids one; // nothing of it is projected
        one.add(mg_id);
        unprojected::arrived(one);
    }
}

// In byte order of pass id, as they are locked.
void statement_effects::look_at_customers(store &store) {
    pg::rounds customers;
    for (const std::string &pass_id : raw_)
        customers.run([&](pg::spi_connection &its_own) {
            const auto one = open_store(its_own, store.where());
            const auto meant = share_customer_meant(*one, pass_id);
            if (!meant)
                return; // the foreign key answers, or the projection
            if (meant->erased)
                refuse_erased(pass_id);
            if (meant->pass_id == pass_id)
                return;
            follow_merge(*one, pass_id, meant->pass_id);
            moved_.follow(pass_id, meant->pass_id);
        });
}

void statement_effects::apply_raw(store &store) {
    look_at_customers(store);
    apply(store);
}

void statement_effects::apply(store &store) {
    moved_.project(store);
    lines_.verify(store);
}

} // namespace mega::ledger
