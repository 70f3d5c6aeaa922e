// The status of a generation on its way through the pipeline (I9), and the closed lists beside it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

// Words one behind the other, as they are told: the last one comes behind another separator.
template <std::size_t N>
std::string joined(const std::array<std::string_view, N> &words, std::string_view separator, std::string_view last) {
    std::string text(words[0]);
    for (std::size_t i = 1; i < N; ++i)
        text.append(i + 1 == N ? last : separator).append(words[i]);
    return text;
}

enum class mma_status { queued, scanning, prompting, generating, postscan, done, error };

inline constexpr std::array<std::string_view, 7> status_names = {"queued",   "scanning", "prompting", "generating",
                                                                 "postscan", "done",     "error"};

// The status of that exact word, nullopt for any other. Never raises.
std::optional<mma_status> parse_mma_status(std::string_view s) noexcept;

// The word stored in mg_mma_status.
std::string_view name(mma_status status) noexcept;

// I9: forward only, stages may be skipped, staying is allowed; error from any stage but done; done is final; error
// becomes done only when the row then has an output URL (the result came late). Never raises.
bool may_move(mma_status from, mma_status to, bool has_output_url) noexcept;

// The same where the row may have no status yet (NULL): from there every status may be entered.
bool may_move(std::optional<mma_status> from, mma_status to, bool has_output_url) noexcept;

// What mg_status says of a generation that stands there: pending, succeeded or failed. Never raises.
std::string_view outcome(mma_status status) noexcept;

// Whether mg_status is one of these three: it follows the status then. Other words are the application's. Never raises.
bool is_outcome(std::string_view s) noexcept;

// 'still' or 'video'.
bool is_mma_mode(std::string_view s) noexcept;

// I8: the types of events.
inline constexpr std::array<std::string_view, 7> event_types = {"like",   "dislike", "download", "preference_set",
                                                                "create", "tweak",   "feedback"};
bool is_event_type(std::string_view s) noexcept;

} // namespace mega::core
