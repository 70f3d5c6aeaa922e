// Finds whom mega has for a customer of legacy's, and what was noted of his keys.
#include "moving/known_person.hpp"

#include "ledger/erasure.hpp"
#include "ledger/own_key.hpp"

namespace mega::moving {

using column = schema::customer;

known_person look_for_person(const batch &into, std::string_view pass_id) {
    constexpr column meta_column[] = {column::mg_meta};
    known_person person{std::string(pass_id), pg::empty_object()};
    for (int hops = 0; hops < 100; ++hops) {
        pg::nullable_datum value[1];
        person.exists = into.store.read_customer(person.pass_id, meta_column, value);
        person.meta = person.exists && !value[0].is_null ? pg::jsonb_of(value[0].value) : pg::empty_object();
        const auto target = ledger::own_member(person.meta, "merged_into");
        person.erased = ledger::own_member(person.meta, "erased_at").has_value();
        if (person.erased || !target || !target->is_string())
            break;
        person.pass_id = target->string();
    }
    if (!person.exists && !into.erased_keys.empty())
        person.erased = into.erased_keys.contains(ledger::digest_of_erased(person.pass_id));
    return person;
}

void hold_person(batch &into, const known_person &person) {
    if (!person.exists)
        return;
    const auto customer = into.store.share_customer(person.pass_id);
    if (!customer || customer->merged_into || customer->erased != person.erased)
        refuse_who_moved(person.pass_id);
}

std::optional<std::string> digest_of_key(const known_person &person, std::string_view key) {
    const auto note = ledger::own_member(person.meta, "import");
    const auto keys = note && note->is_object() ? pg::find(note->container(), "keys") : std::nullopt;
    const auto digest = keys && keys->is_object() ? pg::find(keys->container(), key) : std::nullopt;
    return digest && digest->is_string() ? std::optional(std::string(digest->string())) : std::nullopt;
}

std::optional<std::string> digest_of_source(const batch &into, const known_person &person, std::string_view key) {
    constexpr column meta_column[] = {column::mg_meta};
    const auto sources = ledger::own_member(person.meta, "sources");
    std::optional<std::string> found;
    if (sources && sources->is_array())
        pg::for_each_element(sources->container(), [&](const pg::json_value &source) {
            pg::nullable_datum value[1];
            if (found || !source.is_string() ||
                !into.store.read_customer(std::string(source.string()), meta_column, value) || value[0].is_null)
                return;
            found = digest_of_key({std::string(source.string()), pg::jsonb_of(value[0].value)}, key);
        });
    return found;
}

} // namespace mega::moving
