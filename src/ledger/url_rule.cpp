// Holds the URL columns, mg_mma_vars and payloads against the URL rule (I10), with its settings.
#include "ledger/url_rule.hpp"

#include "core/permanent_url.hpp"
#include "core/text_rule.hpp"
#include "pg/jsonb.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

constexpr const char *store_hint = "Copy the asset to your own storage and store its public URL.";

// A URL as it may stand in an error message, and so in the server's log: without its secret.
std::string shown(std::string_view url) { return pg::quoted(core::redact_url(url)); }
std::string shown_text(std::string_view text) {
    return pg::quoted(core::redact_urls(text).value_or(std::string(text)));
}

std::string what_signs(const core::url_verdict &verdict) {
    const std::string which = verdict.nested ? "A URL inside it" : "It";
    if (verdict.family.empty())
        return which + " holds a token that expires.";
    return which + " is signed for " + std::string(verdict.family) + " by its parameter " +
           pg::quoted(verdict.parameter) + ", so it expires.";
}

std::string what_is_wrong(const core::url_verdict &verdict) {
    switch (verdict.fault) {
    case core::url_fault::signature:
        return what_signs(verdict);
    case core::url_fault::credentials:
        return "It carries credentials.";
    case core::url_fault::scheme:
        return "It is not an http or https URL.";
    default:
        return "It is not a well-formed URL.";
    }
}

bool host_is_allowed(std::string_view host, std::string_view allowed) {
    bool any = false;
    while (!allowed.empty()) {
        const std::size_t comma = std::min(allowed.find(','), allowed.size());
        const std::string_view pattern = core::trim(allowed.substr(0, comma));
        any = any || !pattern.empty();
        if (!pattern.empty() && core::host_matches(host, pattern))
            return true;
        allowed.remove_prefix(std::min(comma + 1, allowed.size()));
    }
    return !any;
}

} // namespace

void check_asset_url(const char *name, std::string_view url, pg::sql_state state) {
    const core::url_verdict verdict = core::check_url(url);
    if (verdict.fault != core::url_fault::none)
        throw pg::sql_error{state, std::string(name) + " is not a permanent URL",
                            what_is_wrong(verdict) + " value=" + shown(url), store_hint};
    const std::string host = core::host_of(url);
    if (core::is_delivery_host(host))
        throw pg::sql_error{"MG008", std::string(name) + " is not a permanent URL",
                            "The host " + pg::quoted(host) + " serves results only for a while.", store_hint};
    if (!host_is_allowed(host, asset_hosts_setting()))
        throw pg::sql_error{"MG008", std::string(name) + " has a host that is not allowed",
                            "The host " + pg::quoted(host) + " is not in mega.asset_hosts.", store_hint};
}

void check_document_urls(const char *name, pg::jsonb document) {
    pg::any_string(document, [&](std::string_view text) {
        if (!core::may_hold_url(text))
            return false;
        if (core::has_expiring_url(text))
            throw pg::sql_error{"MG008", std::string(name) + " contains a URL that expires",
                                "value=" + shown_text(text), store_hint};
        const auto refuse_delivery = [&](std::string_view url, std::size_t) {
            if (core::is_delivery_host(core::host_of(url)))
                throw pg::sql_error{"MG008", std::string(name) + " contains a URL that expires",
                                    "Its host serves results only for a while: " + shown(url), store_hint};
        };
        core::for_each_url(text, refuse_delivery);
        if (const auto plain = core::without_escapes(text))
            core::for_each_url(*plain, refuse_delivery);
        return false;
    });
}

std::optional<pg::jsonb> payload_to_store(const char *name, pg::jsonb payload) {
    const payload_urls setting = payload_urls_setting();
    if (setting == payload_urls::keep)
        return std::nullopt;
    if (setting == payload_urls::redact)
        return pg::replace_strings(payload, core::redact_urls);
    if (pg::any_string(payload, [](std::string_view text) { return core::redact_urls(text).has_value(); }))
        throw pg::sql_error{"MG008",
                            std::string(name) + " contains a URL with a secret",
                            {},
                            "mega.payload_urls is reject: cut the secret out, or set it to redact."};
    return std::nullopt;
}

std::optional<std::string> text_to_store(std::string_view text) {
    return payload_urls_setting() == payload_urls::keep ? std::nullopt : core::redact_urls(text);
}

} // namespace mega::ledger
