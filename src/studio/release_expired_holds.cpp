// mega_release_expired_holds: credits go back, and the generations that they paid for fail, in one transaction.
#include "core/status.hpp"
#include "credits/hold.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/erasure.hpp"
#include "ledger/piecemeal.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

#include <limits>

namespace mega::studio {

namespace {

using column = schema::ledger;

// Nothing when there is no such generation of the hold's customer, or when it has ended.
void fail_unfinished(ledger::store &store, const credits::expired_hold &hold) {
    constexpr column columns[] = {column::mg_pass_id, column::mg_mma_status, column::mg_meta};
    const std::string mg_id = "generation:" + *hold.generation_id;
    pg::nullable_datum seen[3];
    if (!store.lock_row(mg_id, LockTupleNoKeyExclusive, columns, seen) || seen[0].is_null ||
        pg::text_of(seen[0].value) != hold.pass_id)
        return;
    if (!seen[2].is_null && ledger::is_marked_erased(pg::jsonb_of(seen[2].value)))
        return; // no text of theirs is stored
    const std::string_view failed = core::name(core::mma_status::error);
    if (!seen[1].is_null &&
        (pg::text_of(seen[1].value) == core::name(core::mma_status::done) || pg::text_of(seen[1].value) == failed))
        return;
    locked_generation generation(store, *hold.generation_id, std::nullopt);
    generation.set(column::mg_mma_status, failed);
    generation.set(column::mg_status, "failed");
    generation.set(column::mg_error, "the hold expired");
    generation.write(store);
}

// Behind the locks of all customers, in byte order of their ids. A generation that somebody's rule keeps as it is keeps
// no credits.
void fail_all(ledger::call &call, std::vector<credits::expired_hold> holds) {
    std::erase_if(holds, [](const credits::expired_hold &hold) { return !hold.generation_id; });
    std::ranges::sort(holds, {}, [](const credits::expired_hold &hold) { return *hold.generation_id; });
    constexpr auto all = std::numeric_limits<std::size_t>::max(); // no later sweep would find them
    ledger::piecemeal parts(call.store().where(), "a generation did not fail with its hold", ledger::told_as_row, all);
    parts.run(
        std::span<const credits::expired_hold>(holds),
        [](ledger::store &store, std::span<const credits::expired_hold> some) {
            for (const credits::expired_hold &hold : some) {
                pg::check_for_interrupts();
                store.apart([&] { fail_unfinished(store, hold); });
            }
        },
        [](const credits::expired_hold &hold) { return "generation:" + *hold.generation_id; });
    parts.tell(true);
}

Datum release_expired_holds(FunctionCallInfo fcinfo) {
    using in = arguments::release_expired_holds;
    const pg::arguments given(fcinfo);
    const std::int32_t most = ledger::require("max_holds", given.int4(in::max_holds));
    if (most <= 0)
        throw pg::sql_error{
            ledger::bad_argument, "max_holds must be above zero", "max_holds=" + std::to_string(most), {}};
    const bool fail = given.boolean(in::fail_generations).value_or(false);
    pg::row_set result(fcinfo);
    ledger::call call(fcinfo);
    const std::vector<credits::expired_hold> released = credits::release_expired(call, static_cast<std::size_t>(most));
    if (fail)
        fail_all(call, released);
    for (const credits::expired_hold &hold : released)
        result.add(hold.hold_id, hold.pass_id, hold.amount, hold.generation_id);
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_release_expired_holds, mega::studio::release_expired_holds);
