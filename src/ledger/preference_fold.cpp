// Folds a customer's events, read from the ledger, into the preference snapshot.
#include "ledger/preference_fold.hpp"

#include "ledger/json_tree.hpp"
#include "ledger/unprojected.hpp"
#include "pg/clock.hpp"

#include <set>

namespace mega::ledger {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    events_of("SELECT g.mg_created_at, g.mg_id, g.mg_meta FROM ONLY @schema@.mega_generations g "
              "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_event'",
              pass_id_type);

core::json payload_tree(std::string_view event_type, const std::optional<pg::json_value> &payload) {
    if (!payload || payload->is_null())
        return {};
    if (!payload->is_object())
        return to_tree(*payload);
    return members_of(payload->container(), core::members_read(event_type));
}

std::vector<core::tag_effect> read(std::string_view event_type, const core::json &payload, pg::sql_state state) {
    try {
        return core::read_effects(event_type, payload);
    } catch (const core::payload_error &error) {
        throw pg::sql_error{state, error.message, error.detail, "See docs/preferences.md for what a payload may say."};
    }
}

// An event as it stands in the ledger. One that an application wrote before mega kept the rules may say nothing
// intelligible: it has no effect.
std::vector<core::tag_effect> effects_of_stored(const std::optional<pg::jsonb> &meta) {
    const auto type = meta ? pg::find(*meta, "event_type") : std::nullopt;
    if (!type || !type->is_string())
        return {};
    try {
        return core::read_effects(type->string(), payload_tree(type->string(), pg::find(*meta, "payload")));
    } catch (const core::payload_error &) {
        return {};
    }
}

bool is_managed(std::string_view key) { return std::ranges::find(core::managed_keys, key) != core::managed_keys.end(); }

std::optional<core::snapshot> snapshot_of(pg::jsonb stored) {
    return core::snapshot::parse(members_of(pg::root_of(stored), core::managed_keys));
}

} // namespace

bool is_intelligible(pg::jsonb meta) {
    const auto type = pg::find(meta, "event_type");
    if (!type || !type->is_string())
        return false;
    try {
        core::read_effects(type->string(), payload_tree(type->string(), pg::find(meta, "payload")));
        return true;
    } catch (const core::payload_error &) {
        return false;
    }
}

pg::jsonb managed_keys_of(pg::jsonb preferences) {
    if (!pg::is_object(preferences))
        return pg::empty_object();
    return with_managed_keys(pg::empty_object(), members_of(pg::root_of(preferences), core::managed_keys));
}

std::vector<core::tag_effect> effects_of(std::string_view event_type, pg::jsonb payload, pg::sql_state state) {
    return read(event_type, members_of(pg::root_of(payload), core::members_read(event_type)), state);
}

std::vector<core::tag_effect> effects_of(pg::jsonb meta, pg::sql_state state) {
    const auto type = pg::find(meta, "event_type");
    return type && type->is_string()
               ? read(type->string(), payload_tree(type->string(), pg::find(meta, "payload")), state)
               : std::vector<core::tag_effect>{};
}

core::position position_of(pg::timestamp created_at, std::string_view mg_id) {
    return {pg::unix_micros(created_at), std::string(mg_id)};
}

std::optional<pg::timestamp> newest_time(pg::jsonb stored) {
    if (!pg::is_object(stored))
        return std::nullopt;
    const auto parsed = snapshot_of(stored);
    if (!parsed || !parsed->newest())
        return std::nullopt;
    return pg::from_unix_micros(parsed->newest()->micros);
}

// In no order: positions are ordered by the core, which knows no more of their times than
// what counts from 1970.
std::vector<core::preference_event> read_events(pg::spi_connection &spi, const schema::table_catalog &where,
                                                std::string_view pass_id, pg::access how) {
    const pg::rows found = spi.run(events_of, where.schema, how, pass_id);
    std::vector<core::preference_event> events;
    events.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        pg::check_for_interrupts();
        // A row from before mega may have no time: it comes first; and no id.
        const pg::timestamp at = found.time(i, 0).value_or(pg::timestamp{INT64_MIN});
        events.push_back({position_of(at, found.text(i, 1).value_or("")), effects_of_stored(found.json(i, 2))});
    }
    return events;
}

pg::jsonb with_managed_keys(pg::jsonb application, const core::json &managed) {
    pg::json_builder builder;
    builder.begin_object();
    if (pg::is_object(application))
        pg::for_each_member(pg::root_of(application), [&](std::string_view key, const pg::json_value &value) {
            if (!is_managed(key))
                builder.key(key).value(value);
        });
    for (const auto &[key, value] : managed.object()) {
        builder.key(key);
        build(builder, value);
    }
    return builder.end_object().finish();
}

core::json fold_from_ledger(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                            pg::access how) {
    if (how != pg::access::read_only) // to be stored
        unprojected::note_fold(pass_id);
    return core::fold_all(read_events(spi, where, pass_id, how));
}

core::json fold_from_ledger(store &store, std::string_view pass_id) {
    return store.as_owner(store.where().generations, [&] {
        return fold_from_ledger(store.spi(), store.where(), pass_id, pg::access::read_write);
    });
}

std::optional<pg::jsonb> fold_in(pg::jsonb stored, std::vector<core::preference_event> events) {
    auto current = snapshot_of(stored);
    if (!current)
        return std::nullopt;
    bool known = true;
    current->apply(std::move(events), [&known](const std::set<std::string> &) {
        known = false;
        return core::tag_states{};
    });
    return known ? std::optional(with_managed_keys(stored, current->emit())) : std::nullopt;
}

pg::jsonb fold_in(store &store, std::string_view pass_id, pg::jsonb stored,
                  std::vector<core::preference_event> events) {
    auto current = snapshot_of(stored);
    if (!current) // its positions are unintelligible: only the ledger knows
        return with_managed_keys(stored, fold_from_ledger(store, pass_id));
    current->apply(std::move(events), [&](const std::set<std::string> &tags) {
        unprojected::note_fold(pass_id);
        auto all = store.as_owner(store.where().generations, [&] {
            return read_events(store.spi(), store.where(), pass_id, pg::access::read_write);
        });
        std::ranges::sort(all);
        core::tag_states states;
        for (const core::preference_event &event : all)
            for (const core::tag_effect &effect : event.effects)
                if (tags.contains(effect.tag))
                    core::fold_into(states[effect.tag], event.at, effect);
        return states;
    });
    return with_managed_keys(stored, current->emit());
}

} // namespace mega::ledger
