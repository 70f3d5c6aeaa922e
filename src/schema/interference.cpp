// Names the trigger of somebody else's that interferes with a write.
#include "schema/interference.hpp"

#include "pg/relation.hpp"
#include "schema/blueprints.hpp"

namespace mega::schema {

namespace {

bool is_ours(const Trigger &trigger) {
    return std::ranges::any_of(blueprints, [&](const blueprint &table) {
        return std::ranges::any_of(
            table.triggers, [&](const named_definition &ours) { return std::strcmp(ours.name, trigger.tgname) == 0; });
    });
}

bool acts(const Trigger &trigger, writing what) {
    const bool fires =
        what == writing::insert ? TRIGGER_FOR_INSERT(trigger.tgtype) : TRIGGER_FOR_UPDATE(trigger.tgtype);
    return fires && trigger.tgenabled != TRIGGER_DISABLED && !trigger.tgisinternal && !is_ours(trigger);
}

bool may_interfere(const Trigger &trigger, writing what) {
    return acts(trigger, what) && TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype);
}

std::string who(Oid table, writing what, bool (*is_meant)(const Trigger &, writing)) {
    pg::relation relation(table, AccessShareLock);
    const TriggerDesc *triggers = relation.get()->trigdesc; // nothing below looks into a catalog
    std::string names;
    int count = 0;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
        if (is_meant(triggers->triggers[i], what)) {
            names += (count == 0 ? "" : ", ") + pg::quoted(triggers->triggers[i].tgname);
            ++count;
        }
    const bool has_rules = relation.get()->rd_rel->relhasrules;
    relation.close();
    if (count == 0)
        return has_rules ? "a rule" : "";
    return (count == 1 ? "the trigger " : "one of the triggers ") + names;
}

} // namespace

std::string who_interferes(Oid table, writing what) { return who(table, what, may_interfere); }

void refuse_interference(Oid table, writing what, const char *does, const std::string &detail) {
    std::string whoever = who_interferes(table, what);
    if (whoever.empty())
        whoever = who(table, what, acts);
    if (whoever.empty())
        throw pg::sql_error{"XX000", std::string("something unknown ") + does, detail, {}};
    throw pg::sql_error{"55000", whoever + " " + does, detail,
                        "What mega writes has to be stored as it is. Drop the trigger, or let it leave these rows "
                        "alone."};
}

} // namespace mega::schema
