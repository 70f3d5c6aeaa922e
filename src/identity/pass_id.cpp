// mega_pass_id: the rule of spec 0.1.
#include "core/pass_id.hpp"
#include "core/text_rule.hpp"
#include "function_arguments.hpp"
#include "identity/identities.hpp"
#include "ledger/checked.hpp"
#include "pg/entry.hpp"

namespace mega::identity {

std::optional<std::string_view> present_shopify_id(std::optional<std::string_view> given) {
    const std::string_view id = core::plain_shopify_id(given.value_or(""));
    if (id.empty())
        return std::nullopt;
    constexpr std::size_t room = core::max_id_bytes - std::string_view("pass:shopify:").size();
    ledger::check_text("shopify_customer_id", id, ledger::bad_argument, room);
    return id;
}

namespace {

Datum pass_id(FunctionCallInfo fcinfo) {
    using in = arguments::pass_id;
    const pg::arguments given(fcinfo);
    if (const auto shopify_id = present_shopify_id(given.text(in::shopify_customer_id)))
        return pg::to_datum("pass:shopify:" + std::string(*shopify_id)).value;
    if (const auto user_id = given.uuid(in::user_id))
        return pg::to_datum("pass:user:" + pg::format_uuid(*user_id)).value;
    if (const auto anon_id = given.uuid(in::anon_id))
        return pg::to_datum("pass:anon:" + pg::format_uuid(*anon_id)).value;
    throw pg::sql_error{ledger::bad_argument, "a pass id needs an identity", "Every identity given is absent.",
                        "Give a Shopify id, a user id or an anonymous id."};
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_pass_id, mega::identity::pass_id);
