// The closed lists of words: event types, modes, statuses, types of admin rows, with those beside the spec's that
// settings name, and what else an application may ask for as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mega::ledger {

// Whether a list of words, separated by commas, has this one. Never raises.
bool lists(std::string_view list, std::string_view word) noexcept;

bool is_event_type(std::string_view s) noexcept; // or one of mega.extra_event_types, which does nothing to the snapshot
bool is_mode(std::string_view s) noexcept;       // or one of mega.extra_mma_modes
bool is_status(std::string_view s) noexcept;     // or one of mega.extra_mma_statuses

// Hints that name them all: those of the spec, and those of the setting.
std::string use_event_types();
std::string use_modes();
std::string use_statuses();

// Whether a reference of this type is a key (I4): its type is not one of mega.unkeyed_ref_types.
bool is_keyed(std::string_view ref_type) noexcept;

// I9, for words: an extra status is reached from any but done and error, and left for any but queued. A status that no
// list has, of a row that was adopted, may be left for any.
bool may_move(std::optional<std::string_view> from, std::string_view to, bool has_output_url) noexcept;

// What mg_status says of a generation that stands there; std::nullopt for a word that no list has.
std::optional<std::string_view> outcome_of(std::string_view status) noexcept;

// Whether this may be a customer's pass id: the shape of I11, or any text as mega.pass_ids says.
bool may_be_pass_id(std::string_view s) noexcept;

} // namespace mega::ledger
