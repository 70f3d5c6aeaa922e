// New rows of the ledger: their columns, their fresh ids, and their check before they are appended.
#include "ledger/new_row.hpp"

#include "core/uuid_v7.hpp"
#include "ledger/own_key.hpp"
#include "ledger/parent_check.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

namespace {

constinit core::uuid_v7_source ids;

} // namespace

new_row::new_row(std::string_view record_type, std::string_view id)
    : mg_id_(std::string(record_type) + ":" + std::string(id)) {
    using column = schema::ledger;
    set(column::mg_id, mg_id_);
    set(column::mg_record_type, record_type);
    set(column::mg_meta, pg::empty_object());
    set(column::mg_mma_vars, pg::empty_object());
    set(column::mg_source_system, "api");
}

new_row new_row::fresh(std::string_view record_type) { return fresh(record_type, new_id()); }

new_row new_row::fresh(std::string_view record_type, std::string_view id) {
    new_row row(record_type, id);
    row.keyed_ = false;
    return row;
}

new_row &new_row::set_meta(pg::jsonb meta, std::optional<pg::jsonb> own) {
    return own ? set_noted(with_own_key(meta, *own)) : set(schema::ledger::mg_meta, meta);
}

new_row &new_row::set_noted(pg::jsonb meta) {
    own_ = own_value_of(meta);
    return set(schema::ledger::mg_meta, meta);
}

std::optional<std::string_view> new_row::text(schema::ledger column) const {
    const pg::nullable_datum value = columns_[static_cast<std::size_t>(column)];
    return value.is_null ? std::nullopt : std::optional(pg::text_of(value.value));
}

void check_to_append(const schema::table_catalog &where, const new_row &row, ledger_row &stored) {
    for (std::size_t i = 0; i < row.columns().size(); ++i)
        stored.set(static_cast<schema::ledger>(i), row.columns()[i]);
    const in_flight::own_key writing(row.mg_id(), row.own());
    check_new_row(where, stored, in_flight::moment::before);
    fill_pass_id_of_step(where, stored);
}

namespace {

// Random bytes, drawn for many ids at once.
constinit std::array<std::uint8_t, 640> drawn{};
constinit std::size_t used = drawn.size();

std::span<const std::uint8_t, 10> draw() {
    if (used == drawn.size()) {
        if (!pg::call([] { return pg_strong_random(drawn.data(), drawn.size()); }))
            throw pg::sql_error{"58000", "no random bytes are to be had", {}, {}};
        used = 0;
    }
    const std::size_t at = std::exchange(used, used + 10);
    return std::span(drawn).subspan(at).first<10>();
}

} // namespace

std::string new_id() {
    const auto text = core::format_uuid(ids.next(pg::unix_micros(pg::clock_time()), draw()));
    return {text.data(), text.size()};
}

} // namespace mega::ledger
