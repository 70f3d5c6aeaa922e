// Reads an e-mail address, an internet address and an actor, as functions of the office are given them.
#include "admin/person.hpp"

#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "pg/address.hpp"

namespace mega::admin {

std::optional<std::string_view> read_email(std::optional<std::string_view> given) {
    if (!given || core::is_blank(*given))
        return std::nullopt;
    return ledger::optional_text("email", core::trim_spaces(*given));
}

std::optional<std::string_view> told(std::optional<std::string_view> given) {
    return given && core::is_blank(*given) ? std::nullopt : given;
}

std::optional<std::string> read_address(std::optional<std::string_view> given) {
    if (!given)
        return std::nullopt;
    auto address = pg::canonical_address(*given);
    if (!address)
        throw pg::sql_error{ledger::bad_argument, "ip is not an address", "ip=" + pg::quoted(*given),
                            "Give one IPv4 or IPv6 address, without a port or a mask; of X-Forwarded-For one entry."};
    return address;
}

std::optional<std::string_view> read_actor(std::optional<std::string_view> given) {
    return ledger::optional_text("actor", given);
}

} // namespace mega::admin
