// Tells refusals apart from what ends a call.
#include "ledger/piecemeal.hpp"

#include "ledger/disclosure.hpp"
#include "pg/rounds.hpp"
#include "pg/subtransaction.hpp"
#include "pg/warning.hpp"

namespace mega::ledger {

namespace {

// Of data, constraints, rights, RAISE, mega's own errors.
bool is_refusal(int state) {
    constexpr std::string_view classes[] = {"22", "23", "42", "44", "MG", "P0"};
    const std::string_view code = unpack_sql_state(state);
    return code == "55000" || std::ranges::find(classes, code.substr(0, 2)) != std::end(classes);
}

// A copy that outlives the round in which the error came.
std::exception_ptr kept(const pg::pg_error &error, MemoryContext memory) {
    const MemoryContext inside = MemoryContextSwitchTo(memory);
    const std::exception_ptr copy = std::make_exception_ptr(pg::copy_error(error));
    MemoryContextSwitchTo(inside);
    return copy;
}

} // namespace

std::optional<refusal> refusal_of(const schema::table_catalog &where, const std::function<void(store &)> &act) {
    const MemoryContext memory = CurrentMemoryContext;
    std::optional<refusal> refused;
    pg::rounds part;
    part.run([&](pg::spi_connection &its_own) {
        its_own.connect();
        const auto its_store = open_store(its_own, where);
        try {
            const auto error = pg::in_subtransaction([&] { act(*its_store); });
            if (error && (error->data == nullptr || !is_refusal(error->data->sqlerrcode)))
                throw *error;
            if (error)
                refused = {error->data->message, kept(*error, memory)};
        } catch (const pg::sql_error &error) {
            if (!is_refusal(error.state.code))
                throw;
            refused = {error.message.c_str(), std::make_exception_ptr(error)};
        }
    });
    return refused;
}

void left_out::add(std::string_view pass_id, const refusal &why) {
    all_.push_back({std::string(pass_id), why.message});
    if (!first_)
        first_ = why.error;
}

void left_out::tell(bool something_was_done) const {
    if (first_ && !something_was_done)
        std::rethrow_exception(first_);
    for (const one &customer : all_)
        pg::warn("a customer was left out: " + customer.message,
                 to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(customer.pass_id)));
}

} // namespace mega::ledger
