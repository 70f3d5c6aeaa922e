// The table catalog: looks the three tables up, and forgets them when one changes.
#include "schema/table_catalog.hpp"

#include "pg/owners_terms.hpp"
#include "pg/relation.hpp"
#include "pg/spi.hpp"
#include "pg/version.hpp"
#include "pg/writable.hpp"
#include "schema/blueprints.hpp"
#include "schema/indexes.hpp"
#include "schema/settings.hpp"
#include "schema/types.hpp"

namespace mega::schema {

namespace {

constinit table_catalog known;
constinit bool valid = false;
constinit std::uint64_t relation_changes = 0;
constinit std::uint64_t known_trust = 0;

void on_relation_change(Datum, Oid relation) {
    ++relation_changes;
    if (relation == InvalidOid || relation == known.customers.id || relation == known.generations.id ||
        relation == known.admins.id)
        valid = false;
}

// Whose a function is, and what a role may, decides whose code runs.
void on_code_change(Datum, int, uint32) {
    ++relation_changes;
    valid = false;
}

void on_type_change(Datum, int, uint32) {
    ++relation_changes;
    const auto rests = [](const auto &one) { return one.may_be_written.rests_on_types; };
    if (rests(known.customers) || rests(known.generations) || rests(known.admins))
        valid = false;
}

// When a trigger of ours fires, as its definition says it.
std::int16_t type_of(std::string_view definition) {
    constexpr std::pair<std::string_view, std::int16_t> words[] = {{"BEFORE ", TRIGGER_TYPE_BEFORE},
                                                                   {" INSERT", TRIGGER_TYPE_INSERT},
                                                                   {" UPDATE", TRIGGER_TYPE_UPDATE},
                                                                   {" DELETE", TRIGGER_TYPE_DELETE},
                                                                   {" TRUNCATE", TRIGGER_TYPE_TRUNCATE}};
    const std::string_view events = definition.substr(0, definition.find(" ON @table@"));
    std::int16_t type = definition.find("EACH ROW") == std::string_view::npos ? 0 : TRIGGER_TYPE_ROW;
    for (const auto &[word, bit] : words)
        if (events.find(word) != std::string_view::npos)
            type = static_cast<std::int16_t>(type | bit);
    return type;
}

// Whether the trigger is as mega makes it: it calls the function of the extension, at the right moment, without a
// condition.
bool is_ours(const Trigger &trigger, const named_definition &ours, Oid schema) {
    const std::string_view definition = ours.definition;
    const std::size_t from = definition.rfind("@schema@.") + std::string_view("@schema@.").size();
    const std::string function(definition.substr(from, definition.rfind('(') - from));
    const bool calls_ours = pg::call([&] {
        const char *name = get_func_name(trigger.tgfoid);
        return name != nullptr && function == name && get_func_namespace(trigger.tgfoid) == schema;
    });
    return calls_ours && trigger.tgtype == type_of(definition) && trigger.tgqual == nullptr && trigger.tgnattr == 0 &&
           !trigger.tgdeferrable;
}

const Trigger *trigger_named(const TriggerDesc *all, const char *name) {
    for (int i = 0; all != nullptr && i < all->numtriggers; ++i)
        if (std::strcmp(all->triggers[i].tgname, name) == 0)
            return &all->triggers[i];
    return nullptr;
}

trigger_state state_of(const TriggerDesc *all, const named_definition &ours, Oid schema) {
    const Trigger *found = trigger_named(all, ours.name);
    if (found == nullptr)
        return trigger_state::missing;
    if (!is_ours(*found, ours, schema))
        return trigger_state::replaced;
    return found->tgenabled == TRIGGER_FIRES_ON_ORIGIN || found->tgenabled == TRIGGER_FIRES_ALWAYS
               ? trigger_state::on_guard
               : trigger_state::disabled;
}

// A value of another type would not be what it is taken for. varchar is read as text, a domain as what it is made of. A
// time that is stored rounded would not be the one that it was compared and ordered by.
void require_type(TupleDesc shape, AttrNumber attribute, const blueprint &table, const column &wanted) {
    const Oid declared = TupleDescAttr(shape, attribute - 1)->atttypid;
    const std::int32_t declared_limit = TupleDescAttr(shape, attribute - 1)->atttypmod;
    std::int32_t limit = declared_limit;
    const Oid type = pg::call([declared, &limit] { return getBaseTypeAndTypmod(declared, &limit); });
    const bool rounds = type == TIMESTAMPTZOID && limit >= 0 && limit < MAX_TIMESTAMP_PRECISION;
    if ((type == type_oid(wanted.type) && !rounds) || (type == VARCHAROID && type_oid(wanted.type) == TEXTOID))
        return;
    const std::string found = pg::call([declared, declared_limit] {
        return static_cast<const char *>(format_type_with_typemod(declared, declared_limit));
    });
    throw pg::sql_error{
        "42804", std::string("the column ") + wanted.name + " of " + table.name + " has another type than mega reads",
        "It is " + found + ".", "SELECT mega_install() says which type it needs."};
}

// Returns the first trigger of ours that is another one, which whoever has TRIGGER can bring about.
template <class Column>
const char *look_at_triggers(table_entry<Column> &described, const TriggerDesc *triggers, const blueprint &definition,
                             Oid schema) {
    const char *replaced = nullptr;
    for (std::size_t i = 0; i < definition.triggers.size(); ++i) {
        const trigger_state state = state_of(triggers, definition.triggers[i], schema);
        if (state != trigger_state::on_guard && described.off_guard == nullptr)
            described.off_guard = definition.triggers[i].name;
        if (state == trigger_state::replaced && replaced == nullptr)
            replaced = definition.triggers[i].name;
        if (state == trigger_state::on_guard || state == trigger_state::disabled)
            described.own_triggers[i] = trigger_named(triggers, definition.triggers[i].name)->tgoid;
    }
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
        const Trigger &one = triggers->triggers[i];
        const bool ours = std::ranges::any_of(
            definition.triggers, [&](const named_definition &d) { return std::strcmp(d.name, one.tgname) == 0; });
        if (!ours && TRIGGER_FOR_ROW(one.tgtype) && TRIGGER_FOR_BEFORE(one.tgtype))
            described.foreign_before_row = true;
        // What keys of Postgres' own do touches no column that mega changes.
        if (!ours && !one.tgisinternal && one.tgenabled != TRIGGER_DISABLED)
            described.others_act = true;
    }
    return replaced;
}

// A view would run what its owner says as whoever reads it.
void require_plain(Relation relation, const blueprint &definition) {
    if (relation->rd_rel->relkind != RELKIND_RELATION)
        throw pg::sql_error{"42809", std::string(definition.name) + " is not a plain table", {}, {}};
}

bool is_primary_key(Relation relation, AttrNumber column) {
    return pg::call([=] {
        const Bitmapset *key = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
        int only;
        return bms_get_singleton_member(key, &only) && only == column - FirstLowInvalidHeapAttributeNumber;
    });
}

bool has_times(const TupleDesc shape) {
    const AttrNumber created_at = pg::attribute_of(shape, "mg_created_at");
    return created_at != 0 && pg::has_no_null(shape, created_at);
}

template <class Column> table_entry<Column> describe(const blueprint &definition, Oid schema) {
    table_entry<Column> described;
    described.id = pg::relation_named(definition.name, schema);
    if (described.id == InvalidOid)
        throw pg::sql_error{"42P01",
                            std::string("the table ") + definition.name + " does not exist",
                            {},
                            "Create it with SELECT mega_install()."};
    pg::relation relation(described.id, AccessShareLock);
    require_plain(relation.get(), definition);
    described.owner = relation.get()->rd_rel->relowner;
    for (std::size_t i = 0; i < definition.columns.size(); ++i) {
        described.attributes[i] = pg::attribute_of(relation.get()->rd_att, definition.columns[i].name);
        if (described.attributes[i] == 0)
            throw pg::sql_error{"42703",
                                std::string("the table ") + definition.name + " has no column " +
                                    definition.columns[i].name,
                                {},
                                "Add what is missing with SELECT mega_install()."};
        require_type(relation.get()->rd_att, described.attributes[i], definition, definition.columns[i]);
    }
    if constexpr (std::is_same_v<Column, ledger>) {
        reference_key key = reference_key_of(relation.get(), schema);
        described.reference_key = key.there;
        described.left_out = std::move(key.left_out);
    }
    described.id_key = keeps_unique(relation.get(), described.attributes[0]);
    if constexpr (std::is_same_v<Column, customer>) {
        described.shopify_id_key = keeps_unique(relation.get(), described.at(customer::mg_shopify_customer_id));
        described.user_id_key = keeps_unique(relation.get(), described.at(customer::mg_user_id));
        described.computes_verified = pg::generation_of(relation.get()->rd_att, "mg_verified_any") != '\0';
    }
    described.dated = has_times(relation.get()->rd_att);
    described.keyed = is_primary_key(relation.get(), described.attributes[0]);
    // A copy: a look into a catalog may replace what the relation has.
    const TriggerDesc *triggers = pg::call([&] { return CopyTriggerDesc(relation.get()->trigdesc); });
    const char *replaced = look_at_triggers(described, triggers, definition, schema);
    described.may_be_written = judge(relation.get(), definition, replaced);
    if (described.may_be_written.refusal == nullptr) {
        const pg::as_role owner(described.owner);
        pg::owners_terms terms(schema, pg::owners_terms::code::unknown);
        pg::simplify_indexes(relation.get());
        terms.end();
    }
    if (relation.get()->rd_rel->relhasrules || described.may_be_written.code_by_name)
        described.others_act = true;
    relation.close();
    return described;
}

template <class Table> bool lasts(const Table &described) { return described.may_be_written.lasts; }

} // namespace

trigger_state state_of_trigger(Oid id, const named_definition &ours, Oid schema) {
    pg::relation relation(id, AccessShareLock);
    const TriggerDesc *triggers = pg::call([&] { return CopyTriggerDesc(relation.get()->trigdesc); });
    const trigger_state state = state_of(triggers, ours, schema);
    relation.close();
    return state;
}

table_catalog catalog_of(Oid function) {
    const Oid schema = pg::schema_of_function(function);
    if (valid && known.schema == schema && known_trust == mega::trusted_owners_changes())
        return known;
    pg::owners_terms::refuse(nullptr); // what is found to refuse goes with what is known
    table_catalog fresh;
    fresh.schema = schema;
    const std::uint64_t changes = relation_changes;
    const std::uint64_t trust = mega::trusted_owners_changes();
    fresh.customers = describe<customer>(blueprints[0], schema);
    fresh.generations = describe<ledger>(blueprints[1], schema);
    fresh.admins = describe<admin>(blueprints[2], schema);
    known = fresh;
    pg::owners_terms::expect_code_by_name(fresh.customers.may_be_written.code_by_name ||
                                          fresh.generations.may_be_written.code_by_name ||
                                          fresh.admins.may_be_written.code_by_name);
    for (const verdict *one :
         {&known.customers.may_be_written, &known.generations.may_be_written, &known.admins.may_be_written})
        if (one->of_looks != nullptr)
            pg::owners_terms::refuse(one->of_looks);
    known_trust = trust;
    // A change that came in while the tables were read may not be in `fresh`.
    valid = changes == relation_changes && lasts(known.customers) && lasts(known.generations) && lasts(known.admins);
    return known;
}

namespace {

bool writes(written what, written table) {
    return (static_cast<unsigned>(what) & static_cast<unsigned>(table)) == static_cast<unsigned>(table);
}

// The tables as they stay until the transaction ends: locked as their rows will be written, before anybody relies on
// their guards. A trigger that went while a row waited for its customer would leave the row without its balance.
table_catalog locked_catalog_of(Oid function, written what) {
    table_catalog found = catalog_of(function);
    for (;;) {
        const bool is_sure = valid; // else news came in while the tables were looked for: one may have the other's name
        const std::uint64_t changes = relation_changes;
        pg::call([&] {
            if (writes(what, written::customers))
                LockRelationOid(found.customers.id, RowExclusiveLock);
            if (writes(what, written::generations))
                LockRelationOid(found.generations.id, RowExclusiveLock);
            if (writes(what, written::admins))
                LockRelationOid(found.admins.id, RowExclusiveLock);
        });
        if (is_sure && changes == relation_changes)
            return found;
        table_catalog again = catalog_of(function);
        const bool are_locked = again.customers.id == found.customers.id &&
                                again.generations.id == found.generations.id && again.admins.id == found.admins.id;
        found = std::move(again);
        if (are_locked)
            return found;
    }
}

} // namespace

std::optional<pg::sql_error> refusal_unguarded(const table_catalog &found) {
    if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
        return pg::sql_error{"55000", "mega does not write in a session that is a replica",
                             "session_replication_role = replica", "Its triggers would not keep the books."};
    for (const char *off_guard : {found.customers.off_guard, found.generations.off_guard, found.admins.off_guard})
        if (off_guard != nullptr)
            return pg::sql_error{
                "55000", "a trigger of mega is missing, disabled or replaced", "trigger=" + pg::quoted(off_guard),
                "Drop what stands in its place; SELECT mega_install() creates what is missing, ALTER TABLE ... ENABLE "
                "TRIGGER enables it. Without it nothing keeps the books."};
    return std::nullopt;
}

table_catalog guarded_catalog_of(Oid function, written what) {
    pg::require_writable("a function of mega that writes");
    const table_catalog found = locked_catalog_of(function, what);
    if (const auto refusal = refusal_unguarded(found))
        throw *refusal;
    if (writes(what, written::customers))
        found.customers.may_be_written.require_good_for_functions(writes(what, written::new_customers));
    if (writes(what, written::generations))
        found.generations.may_be_written.require_good_for_functions(writes(what, written::ledger));
    if (writes(what, written::admins))
        found.admins.may_be_written.require_good_for_functions(true);
    return found;
}

template <> const table_entry<customer> &known_entry() { return known.customers; }
template <> const table_entry<ledger> &known_entry() { return known.generations; }
template <> const table_entry<admin> &known_entry() { return known.admins; }

void watch_tables() {
    CacheRegisterRelcacheCallback(on_relation_change, 0);
    for (const int cache : {PROCOID, AUTHOID, AUTHMEMROLEMEM})
        CacheRegisterSyscacheCallback(cache, on_code_change, 0);
    for (const int cache : {TYPEOID, CONSTROID, CASTSOURCETARGET})
        CacheRegisterSyscacheCallback(cache, on_type_change, 0);
}

} // namespace mega::schema
