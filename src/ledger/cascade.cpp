// Finds the key that brought a DELETE of a ledger row.
#include "ledger/cascade.hpp"

#include "pg/role.hpp"
#include "pg/spi.hpp"

namespace mega::ledger {

namespace {

// A row for each column of each key: the key, its name, whose the table is that it names, the look for a row there, and
// what follows in it for the column. A key to a table in partitions has others to each of them: these do not count.
constexpr Oid of_table[] = {INT8OID};
constinit pg::statement cascading_keys(
    "SELECT k.oid::pg_catalog.int8, k.conname::pg_catalog.text, r.relowner::pg_catalog.int8, 'SELECT FROM ' "
    "OPERATOR(pg_catalog.||) CASE WHEN r.relkind OPERATOR(pg_catalog.=) 'p' THEN '' ELSE 'ONLY ' END "
    "OPERATOR(pg_catalog.||) "
    "pg_catalog.quote_ident(s.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) "
    "pg_catalog.quote_ident(r.relname) OPERATOR(pg_catalog.||) ' p WHERE true', ' AND p.' OPERATOR(pg_catalog.||) "
    "pg_catalog.quote_ident(p.attname) OPERATOR(pg_catalog.||) ' OPERATOR(' OPERATOR(pg_catalog.||) "
    "pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) o.oprname::pg_catalog.text "
    "OPERATOR(pg_catalog.||) ') $', x.own::pg_catalog.int4 FROM pg_catalog.pg_constraint k, ROWS FROM "
    "(pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop)) WITH ORDINALITY AS "
    "x(own, named, equal, place), pg_catalog.pg_class r, pg_catalog.pg_namespace s, pg_catalog.pg_attribute p, "
    "pg_catalog.pg_operator o, pg_catalog.pg_namespace n WHERE k.conrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid "
    "AND k.contype OPERATOR(pg_catalog.=) 'f' AND k.confdeltype OPERATOR(pg_catalog.=) 'c' AND k.conparentid "
    "OPERATOR(pg_catalog.=) 0 AND k.convalidated AND r.oid OPERATOR(pg_catalog.=) k.confrelid AND s.oid "
    "OPERATOR(pg_catalog.=) r.relnamespace AND p.attrelid OPERATOR(pg_catalog.=) k.confrelid AND p.attnum "
    "OPERATOR(pg_catalog.=) x.named AND o.oid OPERATOR(pg_catalog.=) x.equal AND n.oid OPERATOR(pg_catalog.=) "
    "o.oprnamespace ORDER BY k.conname, k.oid, x.place",
    of_table);

struct look {
    std::string key;
    Oid role;
    std::string text;
    std::vector<Oid> types{};
    std::vector<pg::nullable_datum> values{};
};

std::vector<look> looks_for(const pg::trigger_call &call, pg::spi_connection &spi) {
    const pg::row row(call.tuple(), call.shape());
    const pg::rows found =
        spi.run(cascading_keys, InvalidOid, pg::access::read_write, std::int64_t{RelationGetRelid(call.relation())});
    std::vector<look> looks;
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        if (i == 0 || found.int8(i, 0) != found.int8(i - 1, 0))
            looks.push_back(
                {std::string(*found.text(i, 1)), static_cast<Oid>(*found.int8(i, 2)), std::string(*found.text(i, 3))});
        look &of = looks.back();
        const auto own = static_cast<AttrNumber>(*found.int4(i, 5));
        const Oid declared = TupleDescAttr(call.shape(), own - 1)->atttypid;
        of.values.push_back(row.get(own));
        of.types.push_back(pg::call([declared] { return getBaseType(declared); })); // no check of a domain's runs
        of.text += std::string(*found.text(i, 4)) + std::to_string(of.values.size());
    }
    std::erase_if(looks, [](const look &one) {
        return std::ranges::any_of(one.values, [](const pg::nullable_datum &value) { return value.is_null; });
    });
    return looks;
}

} // namespace

std::string key_without_other_end(const pg::trigger_call &call) {
    if (pg::trigger_depth() < 2) // it comes from no other trigger, and so from no key
        return {};
    pg::spi_connection spi;
    std::string key;
    for (const look &one : looks_for(call, spi)) {
        const pg::as_role other(one.role);
        if (spi.run_once(one.text, one.types, one.values, 1).empty()) {
            key = one.key;
            break;
        }
    }
    spi.finish();
    return key;
}

} // namespace mega::ledger
