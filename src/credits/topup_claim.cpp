// Claims on top-ups, read from and written to mega's own key.
#include "credits/topup_claim.hpp"

#include "ledger/in_flight.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"

#include <charconv>

namespace mega::credits {

namespace {

using column = schema::customer;

constexpr std::string_view claim_key = "claim";

pg::jsonb meta_of(ledger::store &store, std::string_view pass_id) {
    constexpr column columns[] = {column::mg_meta};
    pg::nullable_datum value[1];
    const bool stored = store.read_customer(pass_id, columns, value) && !value[0].is_null;
    return stored ? pg::jsonb_of(value[0].value) : pg::empty_object();
}

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
    builder.key(claim_key).begin_object();
    builder.key("id").text(what.topup_id);
    builder.key("packs").text(std::to_string(what.packs));
    builder.key("until").text(std::to_string(what.until));
    builder.key("released").boolean(what.released);
    builder.end_object();
}

} // namespace

std::optional<claim> claim_of(ledger::store &store, std::string_view pass_id) {
    const auto stored = ledger::own_member(meta_of(store, pass_id), claim_key);
    if (!stored || !stored->is_object())
        return std::nullopt;
    const auto id = pg::find(stored->container(), "id");
    if (!id || !id->is_string())
        return std::nullopt;
    const auto released = pg::find(stored->container(), "released");
    return claim{std::string(id->string()), static_cast<std::int32_t>(number_of(*stored, "packs")),
                 number_of(*stored, "until"), released && released->is_boolean() && released->boolean()};
}

void write_claim(ledger::store &store, const ledger::locked_customer &customer, const std::optional<claim> &what) {
    const pg::jsonb meta = meta_of(store, customer.pass_id);
    const pg::jsonb own = ledger::own_key_with(meta, claim_key, [&](pg::json_builder &builder) {
        if (what)
            add_claim(builder, *what);
    });
    const ledger::in_flight::own_key writing(customer.pass_id, own.document);
    const ledger::customer_change change[] = {{column::mg_meta, pg::to_datum(ledger::with_own_key(meta, own))}};
    if (store.change_customer(customer, change) != 1)
        ledger::refuse_kept_out(store, customer.pass_id);
}

} // namespace mega::credits
