// Locks a generation, and changes it.
#include "studio/generation.hpp"

#include "core/record_id.hpp"
#include "core/status.hpp"
#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "ledger/erasure.hpp"
#include "ledger/merged.hpp"
#include "ledger/resolve.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"

namespace mega::studio {

using column = schema::ledger;

locked_generation::locked_generation(ledger::store &store, std::string_view id, std::optional<std::string_view> pass_id)
    : id_(core::strip_prefix(core::record_type::generation, id)), mg_id_("generation:" + id_) {
    require(store);
    if (pass_id && !ledger::means_customer(store.where(), *pass_id, pass_id_.value_or("")))
        refuse_others_generation(id_, *pass_id);
    if (ledger::is_marked_erased(json(column::mg_meta)))
        ledger::refuse_erased(pass_id_.value_or(""));
}

void locked_generation::require(ledger::store &store) {
    if (!read(store))
        refuse_unknown_generation(id_);
}

void locked_generation::look_again(ledger::store &store) {
    if (changed_ || store.others_act())
        require(store);
    changed_ = false;
}

bool locked_generation::read(ledger::store &store) {
    std::array<column, writable_count + 1> wanted{column::mg_pass_id};
    std::ranges::copy(writable, wanted.begin() + 1);
    std::array<pg::nullable_datum, writable_count + 1> values;
    if (!store.lock_row(mg_id_, LockTupleNoKeyExclusive, wanted, values))
        return false;
    if (!values[0].is_null)
        pass_id_ = std::string(pg::text_of(values[0].value));
    std::copy(values.begin() + 1, values.end(), columns_.begin());
    return true;
}

std::size_t locked_generation::index_of(schema::ledger c) {
    return static_cast<std::size_t>(std::ranges::find(writable, c) - std::begin(writable));
}

std::optional<std::string_view> locked_generation::text(schema::ledger c) const {
    const pg::nullable_datum value = columns_[index_of(c)];
    return value.is_null ? std::nullopt : std::optional(pg::text_of(value.value));
}

std::optional<pg::jsonb> locked_generation::json(schema::ledger c) const {
    const pg::nullable_datum value = columns_[index_of(c)];
    return value.is_null ? std::nullopt : std::optional(pg::jsonb_of(value.value));
}

bool locked_generation::has_error() const {
    const auto said = text(column::mg_error);
    return said && !core::trim(*said).empty();
}

void locked_generation::write(ledger::store &store) const {
    if (changed_)
        store.change_generation(mg_id_, writable, columns_);
}

std::optional<std::string> locked_generation::status_to_tell(ledger::store &store) const {
    constexpr schema::ledger status[] = {schema::ledger::mg_mma_status};
    pg::nullable_datum stored[1] = {columns_[index_of(schema::ledger::mg_mma_status)]};
    if (changed_ && store.others_act())
        store.read_row(mg_id_, status, stored, nullptr);
    return stored[0].is_null ? std::nullopt : std::optional(std::string(pg::text_of(stored[0].value)));
}

void refuse_unknown_generation(std::string_view id) {
    throw pg::sql_error{"MG003", "there is no generation " + pg::quoted(id),
                        "mg_id=" + pg::quoted("generation:" + std::string(id)),
                        "Create it with mega_create_generation."};
}

void refuse_others_generation(std::string_view id, std::string_view pass_id) {
    throw pg::sql_error{ledger::bad_column,
                        "the generation belongs to another customer",
                        "mg_id=" + pg::quoted("generation:" + std::string(id)) + " pass_id=" + pg::quoted(pass_id),
                        {}};
}

std::string_view read_generation_id(std::optional<std::string_view> given) {
    const std::string_view id =
        core::strip_prefix(core::record_type::generation, ledger::require("generation_id", given));
    ledger::check_text("generation_id", id, ledger::bad_argument);
    return id;
}

std::optional<std::string_view> read_session_id(std::optional<std::string_view> given) {
    if (!given)
        return std::nullopt;
    return ledger::optional_text("session_id", core::strip_prefix(core::record_type::session, *given));
}

std::optional<std::string_view> read_mode(std::optional<std::string_view> given) {
    if (given && !ledger::is_mode(*given))
        throw pg::sql_error{ledger::bad_argument, "mma_mode is not a mode", "mma_mode=" + pg::quoted(*given),
                            ledger::use_modes()};
    return given;
}

std::optional<std::string_view> read_status(std::optional<std::string_view> given) {
    if (given && !ledger::is_status(*given))
        throw pg::sql_error{ledger::bad_argument, "mma_status is not a status", "mma_status=" + pg::quoted(*given),
                            ledger::use_statuses()};
    return given;
}

void check_output_url(const char *name, std::string_view url) {
    if (core::trim(url).empty())
        throw pg::sql_error{
            ledger::bad_argument, std::string(name) + " must not be blank", "value=" + pg::quoted(url), {}};
    ledger::check_asset_url(name, url, "MG008");
}

} // namespace mega::studio
