// Tells refusals apart from what ends a call.
#include "ledger/piecemeal.hpp"

#include "ledger/disclosure.hpp"
#include "pg/subtransaction.hpp"
#include "pg/warning.hpp"

namespace mega::ledger {

namespace {

// Conflicts, what the server lacks, cancels, faults of the server or of mega, and locks that were not free: another try
// is worth it, or none. All others, by whatever code a trigger raises them, are about a row.
bool ends_the_call(int state) {
    constexpr std::string_view classes[] = {"08", "25", "40", "53", "57", "58", "XX"};
    const std::string_view code = unpack_sql_state(state);
    return code == "55P03" || code == "55006" || std::ranges::find(classes, code.substr(0, 2)) != std::end(classes);
}

// A copy that lasts as long as the transaction.
std::exception_ptr kept(const pg::pg_error &error) {
    const MemoryContext inside = MemoryContextSwitchTo(TopTransactionContext);
    const std::exception_ptr copy = std::make_exception_ptr(pg::copy_error(error));
    MemoryContextSwitchTo(inside);
    return copy;
}

} // namespace

std::string told_as_customer(const std::string &pass_id) {
    return to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id));
}

std::string told_as_row(const std::string &mg_id) {
    return to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(mg_id));
}

std::optional<std::string> piecemeal::attempt(const std::function<void(store &)> &act, bool of_one) {
    std::optional<std::string> refusal;
    const bool is_first = of_one && !first_;
    part_.run([&](pg::spi_connection &its_own) {
        its_own.connect();
        const auto its_store = open_store(its_own, where_);
        try {
            const auto error = pg::in_subtransaction([&] { act(*its_store); });
            if (!error) {
                something_went_ = true;
                return;
            }
            if (error->data == nullptr || ends_the_call(error->data->sqlerrcode))
                throw *error;
            refusal = error->data->message == nullptr ? "" : error->data->message;
            if (is_first)
                first_ = kept(*error);
        } catch (const pg::sql_error &error) {
            if (ends_the_call(error.state.code))
                throw;
            refusal = error.message.c_str();
            if (is_first)
                first_ = std::make_exception_ptr(error);
        }
    });
    return refusal;
}

void piecemeal::tell(bool something_was_done) const {
    if (first_ && !something_was_done)
        std::rethrow_exception(first_);
    for (const left_out &one : left_out_)
        pg::warn(words_ + (": " + one.refusal), told_(one.name));
}

} // namespace mega::ledger
