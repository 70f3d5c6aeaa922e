// Reads who is asked for, and lists the pass ids by which the person may be known.
#include "identity/wanted.hpp"

#include "core/pass_id.hpp"
#include "core/text_rule.hpp"
#include "function_arguments.hpp"
#include "identity/identities.hpp"
#include "ledger/checked.hpp"
#include "ledger/words.hpp"

namespace mega::identity {

namespace {

constexpr std::string_view shopify = "pass:shopify:";
constexpr std::string_view user = "pass:user:";
constexpr std::string_view anon = "pass:anon:";

// A pass id says who it is: pass:shopify:1 is the customer with Shopify id 1.
void read_pass_id(wanted &person) {
    const std::string_view pass_id = person.pass_id ? std::string_view(*person.pass_id) : std::string_view();
    const auto id_behind = [&](std::string_view kind) {
        return pass_id.starts_with(kind) ? std::optional(std::string(pass_id.substr(kind.size()))) : std::nullopt;
    };
    if (const auto id = id_behind(shopify); id && !person.shopify_id && !core::plain_shopify_id(*id).empty())
        person.shopify_id = *id;
    // Where any text is a pass id, what stands behind the kind need not be a UUID.
    if (const auto id = id_behind(user); id && !person.user_id && core::is_uuid(*id))
        person.user_id = pg::parse_uuid(*id);
    if (const auto id = id_behind(anon); id && !person.anon_id && core::is_uuid(*id))
        person.anon_id = pg::parse_uuid(*id);
}

} // namespace

wanted read_wanted(const pg::arguments &given) {
    using in = arguments::ensure_customer;
    wanted person;
    if (const auto pass_id = given.text(in::pass_id)) {
        person.pass_id = core::canonical_pass_id(*pass_id).value_or(std::string(*pass_id));
        if (!ledger::may_be_pass_id(*person.pass_id))
            ledger::refuse_pass_id("pass_id", *pass_id, ledger::bad_argument);
        if (*person.pass_id != *pass_id)
            person.written = *pass_id;
    }
    if (const auto shopify_id = present_shopify_id(given.text(in::shopify_customer_id)))
        person.shopify_id = *shopify_id;
    person.user_id = given.uuid(in::user_id);
    person.anon_id = given.uuid(in::anon_id);
    if (const auto email = given.text(in::email); email && !core::is_blank(*email)) {
        person.email = core::trim_spaces(*email);
        ledger::check_text("email", *person.email, ledger::bad_argument);
    }
    person.about = read_profile(ledger::require_object("profile", given.json(in::profile)));
    if (!person.pass_id && !person.shopify_id && !person.user_id && !person.anon_id)
        throw pg::sql_error{ledger::bad_argument, "a customer needs an identity", "Every identity given is absent.",
                            "Give a pass id, a Shopify id, a user id or an anonymous id."};
    person.shopify_id_given = person.shopify_id.has_value();
    person.user_id_given = person.user_id.has_value();
    read_pass_id(person);
    return person;
}

std::string wanted::fresh_pass_id() const {
    if (!pass_id && shopify_id)
        return std::string(shopify) + *shopify_id;
    if (!pass_id)
        return user_id ? std::string(user) + pg::format_uuid(*user_id) : std::string(anon) + pg::format_uuid(*anon_id);
    if (pass_id->starts_with(shopify) && core::plain_shopify_id(pass_id->substr(shopify.size())).empty())
        throw pg::sql_error{ledger::bad_argument, "pass_id names nobody", "pass_id=" + pg::quoted(*pass_id),
                            "Leave it out where there is no Shopify customer; mega_pass_id does."};
    return *pass_id;
}

bool wanted::names(std::string_view other) const {
    return other == pass_id || other == written || (anon_id && other == std::string(anon) + pg::format_uuid(*anon_id));
}

wanted::pass_id_list wanted::pass_ids() const {
    pass_id_list known{pass_id};
    if (shopify_id)
        known[1] = std::string(shopify) + *shopify_id;
    if (user_id)
        known[2] = std::string(user) + pg::format_uuid(*user_id);
    if (anon_id)
        known[3] = std::string(anon) + pg::format_uuid(*anon_id);
    known[4] = written;
    return known;
}

wanted::pass_id_list wanted::pass_ids_in_capitals() const {
    pass_id_list known;
    const auto in_capitals = [](std::string_view kind,
                                const std::optional<pg::uuid> &id) -> std::optional<std::string> {
        if (!id)
            return std::nullopt;
        std::string uuid = pg::format_uuid(*id);
        for (char &c : uuid)
            c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        return std::string(kind) + uuid;
    };
    known[2] = in_capitals(user, user_id);
    known[3] = in_capitals(anon, anon_id);
    return known;
}

} // namespace mega::identity
