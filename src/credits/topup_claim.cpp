// Claims on top-ups, read from and written to mega's own key.
#include "credits/topup_claim.hpp"

#include "ledger/customer_note.hpp"
#include "ledger/own_key.hpp"

#include <charconv>

namespace mega::credits {

namespace {

constexpr std::string_view claim_key = "claim", others_key = "claims"; // those that came with a merge

// Numbers and times stand there as texts of digits: a jsonb number may be written in many ways.
std::int64_t number_of(const pg::json_value &claim, std::string_view key) {
    std::int64_t number = 0;
    if (const auto value = pg::find(claim.container(), key); value && value->is_string()) {
        const std::string_view text = value->string();
        std::from_chars(text.data(), text.data() + text.size(), number);
    }
    return number;
}

void add_claim(pg::json_builder &builder, const claim &what) {
    builder.begin_object();
    builder.key("id").text(what.topup_id);
    builder.key("packs").text(std::to_string(what.packs));
    builder.key("until").text(std::to_string(what.until));
    builder.key("released").boolean(what.released);
    builder.end_object();
}

void read_claim(const pg::json_value &stored, std::vector<claim> &all) {
    if (!stored.is_object())
        return;
    const auto id = pg::find(stored.container(), "id");
    if (!id || !id->is_string())
        return;
    const auto released = pg::find(stored.container(), "released");
    all.push_back({std::string(id->string()), static_cast<std::int32_t>(number_of(stored, "packs")),
                   number_of(stored, "until"), released && released->is_boolean() && released->boolean()});
}

} // namespace

std::vector<claim> claims_in(pg::jsonb meta) {
    std::vector<claim> all;
    if (const auto first = ledger::own_member(meta, claim_key))
        read_claim(*first, all);
    if (const auto others = ledger::own_member(meta, others_key); others && others->is_array())
        pg::for_each_element(others->container(), [&](const pg::json_value &one) { read_claim(one, all); });
    return all;
}

pg::jsonb with_claims(pg::jsonb meta, std::span<const claim> claims) {
    std::vector<claim> all(claims.begin(), claims.end());
    std::ranges::stable_sort(all, std::greater{}, &claim::until);
    return ledger::with_own_members(meta, {claim_key, others_key}, [&](pg::json_builder &builder) {
        if (all.empty())
            return;
        add_claim(builder.key(claim_key), all.front());
        if (all.size() < 2)
            return;
        builder.key(others_key).begin_array();
        for (std::size_t i = 1; i < all.size(); ++i)
            add_claim(builder, all[i]);
        builder.end_array();
    });
}

std::vector<claim> claims_of(ledger::store &store, std::string_view pass_id) {
    return claims_in(ledger::meta_of(store, pass_id));
}

void write_claims(ledger::store &store, const ledger::locked_customer &customer, std::span<const claim> all) {
    ledger::write_noted(store, customer, {}, with_claims(ledger::meta_of(store, customer.pass_id), all));
}

} // namespace mega::credits
