// Joining: what credits have beside their sum, when two customers become one.
#include "credits/joining.hpp"

#include "credits/posting.hpp"
#include "credits/topup_claim.hpp"
#include "ledger/own_key.hpp"

#include <charconv>

namespace mega::credits {

void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target) {
    const pg::timestamp now = pg::clock_time();
    write_off_expired(store, source, now);
    write_off_expired(store, target, now);
}

namespace {

constexpr std::string_view lots_key = "lots"; // [[name, left, ends], …], by ends, then name by bytes

struct open_lot {
    std::int64_t ends = 0;
    std::string name;
    std::int64_t left = 0;

    auto operator<=>(const open_lot &) const = default;
};

std::int64_t whole(const pg::json_value &value) {
    std::int64_t number = 0;
    if (value.is_number()) {
        const std::string text = value.number();
        std::from_chars(text.data(), text.data() + text.size(), number);
    }
    return number;
}

void add_lots_in(pg::jsonb meta, std::vector<open_lot> &lots) {
    const auto stored = ledger::own_member(meta, lots_key);
    if (!stored || !stored->is_array())
        return;
    pg::for_each_element(stored->container(), [&](const pg::json_value &one) {
        std::vector<pg::json_value> parts;
        if (one.is_array())
            pg::for_each_element(one.container(), [&](const pg::json_value &part) { parts.push_back(part); });
        if (parts.size() == 3 && parts[0].is_string())
            lots.push_back({whole(parts[2]), std::string(parts[0].string()), whole(parts[1])});
    });
}

std::int64_t without_lot(const ledger::locked_customer &customer, pg::jsonb meta) {
    std::vector<open_lot> lots;
    add_lots_in(meta, lots);
    std::int64_t left = customer.credits;
    for (const open_lot &one : lots)
        left -= one.left;
    return left;
}

} // namespace

std::optional<pg::timestamp> joined_end(const ledger::locked_customer &source, pg::jsonb source_meta,
                                        const ledger::locked_customer &target, pg::jsonb target_meta) {
    if (source.expires_at == target.expires_at)
        return target.expires_at;
    // An end is of the credits that it was set for: nothing of the other's comes under it.
    if (without_lot(source, source_meta) <= 0)
        return target.expires_at;
    return without_lot(target, target_meta) <= 0 ? source.expires_at : std::nullopt;
}

// Of claims the one that stands longest in front: nobody is handed another one before.
pg::jsonb joined_own_key(pg::jsonb source_meta, pg::jsonb target_meta) {
    std::vector<open_lot> lots;
    add_lots_in(source_meta, lots);
    add_lots_in(target_meta, lots);
    std::ranges::sort(lots);
    const pg::jsonb with_lots = ledger::own_key_with(target_meta, lots_key, [&](pg::json_builder &builder) {
        if (lots.empty())
            return;
        builder.key(lots_key).begin_array();
        for (const open_lot &one : lots) {
            builder.begin_array().text(one.name);
            builder.number(std::to_string(one.left)).number(std::to_string(one.ends)).end_array();
        }
        builder.end_array();
    });
    std::vector<claim> all = claims_in(target_meta);
    for (claim &one : claims_in(source_meta))
        all.push_back(std::move(one));
    std::ranges::stable_sort(all, std::greater{}, [](const claim &one) { return one.released ? 0 : one.until; });
    return own_key_with_claims(ledger::with_own_key(target_meta, with_lots), all);
}

} // namespace mega::credits
