// Finds the rewrite rules that keep statements off a table.
#include "pg/rewrite_rule.hpp"

namespace pg {

namespace {

bool acts(const RewriteRule &rule) { return rule.enabled == RULE_FIRES_ON_ORIGIN || rule.enabled == RULE_FIRES_ALWAYS; }

// Of those on UPDATE Postgres counts the ones that are disabled, too.
bool keeps_off_keys(const RewriteRule &rule) {
    return rule.event == CMD_UPDATE || (rule.event == CMD_INSERT && acts(rule));
}

bool keeps_off_updates(const RewriteRule &rule) { return rule.event == CMD_UPDATE && rule.isInstead && acts(rule); }

const char *first_of(inside in, Relation relation, bool (*what)(const RewriteRule &)) {
    const RuleLock *all = relation->rd_rules;
    for (int i = 0; all != nullptr && i < all->numLocks; ++i)
        if (what(*all->rules[i]))
            return name_of_rule(in, all->rules[i]->ruleId);
    return "";
}

} // namespace

const char *name_of_rule(inside, Oid rule) {
    Relation rules = table_open(RewriteRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
    SysScanDesc scan = systable_beginscan(rules, RewriteOidIndexId, true, nullptr, 1, &key);
    const char *name = "that is gone";
    if (HeapTuple found = systable_getnext(scan); HeapTupleIsValid(found))
        name = pstrdup(NameStr(reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(found))->rulename));
    systable_endscan(scan);
    table_close(rules, AccessShareLock);
    return name;
}

rules_in_the_way rules_in_the_way_of(Relation relation) {
    return {call([relation](inside in) { return first_of(in, relation, keeps_off_keys); }),
            call([relation](inside in) { return first_of(in, relation, keeps_off_updates); })};
}

} // namespace pg
