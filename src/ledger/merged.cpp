// Merged customers: who goes on for a pass id, for functions and for raw rows.
#include "ledger/merged.hpp"

#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/erasure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/own_key.hpp"
#include "ledger/recent.hpp"
#include "ledger/resolve.hpp"
#include "ledger/row_check.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

constexpr Oid move_types[] = {TEXTOID, TEXTOID};
constinit pg::statement move_rows("UPDATE ONLY @schema@.mega_generations SET mg_pass_id = $2 "
                                  "WHERE mg_pass_id OPERATOR(pg_catalog.=) $1",
                                  move_types);

struct goes_on {};

// Customers who were looked up in this command of the client and went on for themselves: a million rows of a COPY cost
// a look for each customer, not for each row. A merge since then is found behind the statement, as any other is.
constinit recent<goes_on, GetCurrentStatementStartTimestamp> roots;

} // namespace

void read_fate(locked_customer &customer, pg::jsonb meta) {
    if (const auto root = own_member(meta, "merged_into"); root && root->is_string())
        customer.merged_into = std::string(root->string());
    customer.erased = own_member(meta, "erased_at").has_value();
}

std::optional<meant_customer> customer_meant(store &store, std::string_view pass_id) {
    return follow_merges(pass_id, [&store](std::string_view one, pg::nullable_datum &meta) {
        constexpr schema::customer columns[] = {schema::customer::mg_meta};
        return store.read_customer(one, columns, std::span(&meta, 1));
    });
}

std::optional<meant_customer> share_customer_meant(store &store, std::string_view pass_id) {
    std::string looked_for(pass_id);
    for (auto seen = store.share_customer(looked_for); seen; seen = store.share_customer(looked_for)) {
        if (!seen->merged_into)
            return meant_customer{looked_for, seen->erased};
        looked_for = *seen->merged_into;
    }
    return std::nullopt;
}

std::string require_shared_customer(store &store, std::string_view pass_id) {
    const auto meant = share_customer_meant(store, pass_id);
    if (!meant)
        throw_unknown_customer(pass_id);
    if (meant->erased)
        refuse_erased(pass_id);
    return meant->pass_id;
}

void lock_anew(store &store, locked_customer &customer) {
    const std::string pass_id = customer.pass_id;
    customer = require_locked_customer(store, pass_id);
    customer.changed_meanwhile = true;
}

void refuse_erased(std::string_view pass_id) {
    throw pg::sql_error{"MG004", "the customer was erased",
                        to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)),
                        "What was erased does not come back; make another customer."};
}

void follow_merge(store &store, std::string_view from, std::string_view to) {
    const in_flight::move moving(from, to);
    (void)store.run(store.where().generations, move_rows, from, to);
}

void store_under_root(const schema::table_catalog &where, ledger_row &row) {
    const auto given = row.text(column::mg_pass_id);
    if (!given)
        return;
    if (in_flight::is_written_for(row.text(column::mg_id).value_or(""), *given)) // they have looked behind their lock
        return refuse_text_by_others(where, row);
    if (roots.find(*given) != nullptr)
        return;
    pg::spi_connection spi;
    const auto meant = customer_meant(*open_store(spi, where), *given);
    spi.finish();
    if (meant && meant->erased)
        refuse_erased(*given);
    if (meant && meant->pass_id != *given)
        row.set(column::mg_pass_id, meant->pass_id);
    else if (meant)
        roots.note(*given, {});
}

void keep_pass_id(const schema::table_catalog &where, const ledger_row &old_row, ledger_row &new_row) {
    const auto stored = old_row.text(column::mg_pass_id), written = new_row.text(column::mg_pass_id);
    if (stored && written && *stored != *written && !in_flight::moves(*stored, *written) &&
        means_customer(where, *written, *stored))
        new_row.set(column::mg_pass_id, *stored);
}

void refuse_if_erased(const schema::table_catalog &where, std::optional<std::string_view> pass_id) {
    if (!pass_id)
        return;
    pg::spi_connection spi;
    const auto meant = share_customer_meant(*open_store(spi, where), *pass_id);
    spi.finish();
    if (meant && meant->erased)
        refuse_erased(*pass_id);
}

void refuse_text_by_others(const schema::table_catalog &where, const ledger_row &row) {
    if (where.generations.foreign_before_row && in_flight::is_written(row.text(column::mg_id).value_or("")) &&
        has_text(row))
        refuse_if_erased(where, row.text(column::mg_pass_id));
}

void refuse_text_of_erased(const schema::table_catalog &where, const ledger_row &old_row, const ledger_row &new_row) {
    const bool is_written = in_flight::is_written(old_row.text(column::mg_id).value_or(""));
    if (erasure::under_way() == nullptr && (!is_written || where.generations.foreign_before_row) &&
        writes_text(old_row, new_row) && !old_row.is_null(column::mg_pass_id)) {
        // Without a lock: an erasure waits for the row, and looks at it behind the change.
        pg::spi_connection spi;
        const auto meant = customer_meant(*open_store(spi, where), *old_row.text(column::mg_pass_id));
        spi.finish();
        if (meant && meant->erased)
            refuse_erased(*old_row.text(column::mg_pass_id));
    }
}

} // namespace mega::ledger
