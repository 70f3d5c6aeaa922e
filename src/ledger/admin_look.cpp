// Looks at rows of mega_admin by their ids. The direct path needs neither a plan nor an executor for one row.
#include "ledger/admin_look.hpp"

#include "ledger/direct_writers.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::admin;

constexpr auto described = direct::columns_of(schema::admin_columns);
constexpr pg::heap_index probes[] = {{true, true, "btree (mg_id)"}};
// Rows are read and never written: whatever acts on writes is in nobody's way.
constinit pg::heap_writer admin_rows({described, {}, {}, {}, nullptr, probes, true});

constexpr std::size_t number(column c) { return static_cast<std::size_t>(c); }

bool looks_directly(const schema::table_catalog &where) {
    return write_path_setting() == write_path::automatic && where.admins.may_be_written.of_looks == nullptr &&
           admin_rows.eligible(where.admins.id) &&
           pg::call([&where] { return direct::may_read_every_row(where.admins.id); });
}

bool is_wanted(core::record_type type) {
    const auto found = admin_rows.column(number(column::mg_record_type));
    return !found.is_null && pg::text_of(found.value) == core::name(type) &&
           admin_rows.column(number(column::mg_deleted_at)).is_null;
}

bool look_directly(const admin_look &look, std::string_view mg_id, std::span<pg::nullable_datum> values) {
    const Datum key[] = {pg::to_datum(mg_id).value};
    direct::open(admin_rows, AccessShareLock);
    const bool found = admin_rows.find(direct::by_key, key) && is_wanted(look.type);
    for (std::size_t i = 0; found && i < look.columns.size(); ++i)
        values[i] = admin_rows.copy_of(number(look.columns[i]));
    admin_rows.close();
    return found;
}

} // namespace

bool look_at_admin_row(pg::spi_connection &spi, const schema::table_catalog &where, const admin_look &look,
                       std::string_view mg_id, std::span<pg::nullable_datum> values) {
    if (looks_directly(where))
        return look_directly(look, mg_id, values);
    const pg::rows found = spi.run(look.by_sql, where.schema, pg::access::read_only, mg_id);
    for (std::size_t i = 0; !found.empty() && i < look.columns.size(); ++i)
        values[i] = found.column(0, static_cast<int>(i));
    return !found.empty();
}

} // namespace mega::ledger
