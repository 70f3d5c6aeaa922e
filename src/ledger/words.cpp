// The closed lists of words, with those that settings add.
#include "ledger/words.hpp"

#include "core/pass_id.hpp"
#include "core/status.hpp"
#include "core/text_rule.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

bool lists(std::string_view list, std::string_view word) noexcept {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (!word.empty() && core::trim_spaces(list.substr(0, comma)) == word)
            return true;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

namespace {

bool is_extra_status(std::string_view s) noexcept {
    return !core::parse_mma_status(s) && lists(extra_mma_statuses_setting(), s);
}

std::string use(const std::string &words, const char *setting, std::string_view extra) {
    return "Use " + words + (extra.empty() ? "." : std::string("; ") + setting + " adds " + std::string(extra) + ".");
}

} // namespace

bool is_event_type(std::string_view s) noexcept {
    return core::is_event_type(s) || lists(extra_event_types_setting(), s);
}

std::string use_event_types() {
    return use(core::joined(core::event_types, ", ", " or "), "mega.extra_event_types", extra_event_types_setting());
}

std::string use_modes() { return use("still or video", "mega.extra_mma_modes", extra_mma_modes_setting()); }

std::string use_statuses() {
    return use(core::joined(core::status_names, ", ", " or "), "mega.extra_mma_statuses", extra_mma_statuses_setting());
}

bool is_mode(std::string_view s) noexcept { return core::is_mma_mode(s) || lists(extra_mma_modes_setting(), s); }

bool is_status(std::string_view s) noexcept { return core::parse_mma_status(s) || is_extra_status(s); }

bool is_keyed(std::string_view ref_type) noexcept { return !lists(unkeyed_ref_types_setting(), ref_type); }

bool may_move(std::optional<std::string_view> from, std::string_view to, bool has_output_url) noexcept {
    const auto left = from ? core::parse_mma_status(*from) : std::nullopt;
    const auto reached = core::parse_mma_status(to);
    if (from == to)
        return true;
    if (!reached)
        return is_extra_status(to) && left != core::mma_status::done && left != core::mma_status::error;
    if (from && is_extra_status(*from))
        return reached != core::mma_status::queued;
    return core::may_move(left, *reached, has_output_url);
}

std::optional<std::string_view> outcome_of(std::string_view status) noexcept {
    if (const auto known = core::parse_mma_status(status))
        return core::outcome(*known);
    return is_extra_status(status) ? std::optional(core::outcome(core::mma_status::queued)) : std::nullopt;
}

bool may_be_pass_id(std::string_view s) noexcept {
    return core::is_pass_id(s) ||
           (pass_ids_setting() == pass_ids::any && core::check_text(s) == core::text_fault::none);
}

} // namespace mega::ledger
