// Statuses of a generation (I9): parsed, named, and which may follow which.
#include "status.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mega::core {

namespace {

constexpr std::array<std::string_view, 3> outcomes = {"pending", "succeeded", "failed"};

} // namespace

std::optional<mma_status> parse_mma_status(std::string_view s) noexcept {
    for (std::size_t i = 0; i < status_names.size(); ++i)
        if (status_names[i] == s)
            return static_cast<mma_status>(i);
    return std::nullopt;
}

std::string_view name(mma_status status) noexcept { return status_names[static_cast<std::size_t>(status)]; }

bool may_move(mma_status from, mma_status to, bool has_output_url) noexcept {
    if (from == to)
        return true;
    if (from == mma_status::done)
        return false;
    if (from == mma_status::error)
        return to == mma_status::done && has_output_url;
    return from < to; // error stands behind done in the enumeration: reachable from every stage before it
}

bool may_move(std::optional<mma_status> from, mma_status to, bool has_output_url) noexcept {
    return !from || may_move(*from, to, has_output_url);
}

std::string_view outcome(mma_status status) noexcept {
    return outcomes[status == mma_status::done ? 1 : status == mma_status::error ? 2 : 0];
}

bool is_outcome(std::string_view s) noexcept {
    return std::find(outcomes.begin(), outcomes.end(), s) != outcomes.end();
}

bool is_mma_mode(std::string_view s) noexcept { return s == "still" || s == "video"; }

bool is_event_type(std::string_view s) noexcept {
    return std::find(event_types.begin(), event_types.end(), s) != event_types.end();
}

} // namespace mega::core
