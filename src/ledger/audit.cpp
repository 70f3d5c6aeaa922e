// Appends an audit: what a function did, and who called it.
#include "ledger/audit.hpp"

#include "ledger/in_flight.hpp"
#include "ledger/new_admin_row.hpp"
#include "ledger/new_row.hpp"
#include "pg/clock.hpp"

namespace mega::ledger {

namespace {

pg::jsonb with_actor(pg::jsonb detail, std::string_view actor) {
    pg::json_builder builder;
    builder.begin_object();
    pg::for_each_member(pg::root_of(detail), [&](std::string_view key, const pg::json_value &value) {
        if (key != "actor")
            builder.key(key).value(value);
    });
    builder.key("actor").text(actor);
    return builder.end_object().finish();
}

} // namespace

bool append_audit_once(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view id,
                       const deed &what, std::optional<std::string_view> actor) {
    using column = schema::admin;
    const pg::timestamp now = pg::clock_time();
    new_admin_row row(core::record_type::admin_audit, id);
    row.set(column::mg_action, what.action)
        .set(column::mg_actor_pass_id, what.customer)
        .set(column::mg_detail, actor ? with_actor(what.detail, *actor) : what.detail)
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    const in_flight::own_key own(row.mg_id(), nullptr,
                                 what.customer.value_or("")); // of what mega does itself: of erased customers, too
    return append(spi, where, row);
}

void append_audit(pg::spi_connection &spi, const schema::table_catalog &where, const deed &what,
                  std::optional<std::string_view> actor) {
    const std::string id = new_id();
    if (!append_audit_once(spi, where, id, what, actor)) // an id that nobody can have
        throw pg::sql_error{"XX000", "an audit's fresh id was taken", "mg_id=" + pg::quoted("admin_audit:" + id), {}};
}

} // namespace mega::ledger
