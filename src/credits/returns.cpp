// Reads from a hold or a spend, what settled it and its refunds, how much of which lot is still to come back.
#include "credits/returns.hpp"

#include <map>

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr Oid id_type[] = {TEXTOID};
// What was taken back of a grant and not restored by a refund of that.
constinit pg::statement revoked_so_far =
    pg::statement(
        "SELECT coalesce(pg_catalog.sum(OPERATOR(pg_catalog.-) g.mg_delta::pg_catalog.int8 OPERATOR(pg_catalog.-) "
        "coalesce((SELECT pg_catalog.sum(r.mg_delta)::pg_catalog.int8 FROM ONLY @schema@.mega_generations r "
        "WHERE r.mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}' OPERATOR(pg_catalog.=) "
        "pg_catalog.substr(g.mg_id, 20) COLLATE pg_catalog.\"default\"), 0)), 0)::pg_catalog.int8 FROM ONLY "
        "@schema@.mega_generations g "
        "WHERE g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,revoke_of}' OPERATOR(pg_catalog.=) $1",
        id_type)
        .by_key();

constinit pg::statement refunds_of =
    pg::statement("SELECT g.mg_delta, g.mg_meta FROM ONLY @schema@.mega_generations g WHERE "
                  "g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}' OPERATOR(pg_catalog.=) $1",
                  id_type)
        .by_key();

// What rows took, and from where.
struct took {
    std::int64_t free = 0;
    std::map<std::string, std::int64_t> of_lots;
    std::optional<std::string> revoke_of;

    void add(std::int64_t delta, std::optional<pg::jsonb> meta) {
        const core::lot_facts facts = ledger::lot_facts_of({}, delta, meta);
        free -= delta;
        for (const core::lot_change &one : facts.lots) {
            of_lots[one.name] -= one.credits;
            free += one.credits;
        }
        if (facts.revoke_of)
            revoke_of = facts.revoke_of;
    }
};

// The lot as its row has it, and what room it has. Nothing when no such row is there: then its credits have no lot.
std::optional<core::taken::of_lot> lot_of(ledger::store &store, const std::string &name, std::int64_t credits) {
    constexpr column columns[] = {column::mg_delta, column::mg_meta};
    pg::nullable_datum values[2];
    if (!store.read_row(mg_id_of(name), columns, values, nullptr) || values[0].is_null || values[1].is_null)
        return std::nullopt;
    const pg::jsonb meta = pg::jsonb_of(values[1].value);
    const core::lot_facts facts = ledger::lot_facts_of(name, DatumGetInt32(values[0].value), meta);
    if (!facts.ends)
        return std::nullopt;
    const auto ended = ledger::ended_of(meta);
    return core::taken::of_lot{name, credits, facts.delta - revoked_of(store, name) - ended.value_or(0), *facts.ends,
                               ended.has_value()};
}

core::taken taken_of(ledger::store &store, const took &all, std::int64_t restored) {
    core::taken from;
    from.free = all.free;
    for (const auto &[name, credits] : all.of_lots) {
        auto one = credits > 0 ? lot_of(store, name, credits) : std::nullopt;
        if (!one)
            continue;
        if (all.revoke_of == name)
            one->room += restored;
        from.lots.push_back(*std::move(one));
    }
    return from;
}

} // namespace

std::int64_t revoked_of(ledger::store &store, std::string_view txn_id) {
    if (!store.may_be_revoked(txn_id))
        return 0;
    return store.run(store.where().generations, revoked_so_far, txn_id).int8(0, 0).value_or(0);
}

core::taken taken_by_hold(ledger::store &store, const credit_row &hold) {
    took all;
    all.add(hold.delta, hold.meta);
    return taken_of(store, all, 0);
}

core::taken taken_by(ledger::store &store, std::span<const credit_row> family, std::string_view of,
                     std::int64_t restored) {
    took all;
    for (const credit_row &row : family)
        all.add(row.delta, row.meta);
    const pg::rows refunds = store.run(store.where().generations, refunds_of, of);
    for (std::uint64_t i = 0; i < refunds.count(); ++i)
        all.add(refunds.int4(i, 0).value_or(0), refunds.json(i, 1));
    return taken_of(store, all, restored);
}

} // namespace mega::credits
