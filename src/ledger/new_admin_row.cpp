// New rows of mega_admin: appended as the table's owner.
#include "ledger/new_admin_row.hpp"

#include "ledger/disclosure.hpp"
#include "ledger/held_key.hpp"
#include "pg/jsonb.hpp"
#include "schema/interference.hpp"
#include "schema/types.hpp"

namespace mega::ledger {

namespace {

using column = schema::admin;
constexpr std::size_t width = schema::admin_columns.size();

constexpr auto make_types() {
    std::array<Oid, width> types{};
    for (std::size_t i = 0; i < width; ++i)
        types[i] = schema::type_oid(schema::admin_columns[i].type);
    return types;
}

// INSERT INTO … (every column) VALUES ($1, …) ON CONFLICT DO NOTHING RETURNING mg_id, put together while compiling.
constexpr auto make_insert() {
    std::array<char, 1200> text{};
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
        for (const char c : part)
            text[at++] = c;
    };
    add("INSERT INTO @schema@.mega_admin (");
    for (std::size_t i = 0; i < width; ++i) {
        add(i == 0 ? "" : ", ");
        add(schema::admin_columns[i].name);
    }
    add(") VALUES (");
    for (std::size_t i = 0; i < width; ++i) {
        const std::size_t number = i + 1;
        add(i == 0 ? "$" : ", $");
        if (number >= 10)
            text[at++] = static_cast<char>('0' + number / 10);
        text[at++] = static_cast<char>('0' + number % 10);
    }
    add(") ON CONFLICT DO NOTHING RETURNING mg_id");
    return text;
}

constinit const std::array<Oid, width> insert_types = make_types();
constinit const std::array<char, 1200> insert_text = make_insert();
constinit pg::statement insert_row(insert_text.data(), insert_types);

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement with_id("SELECT FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1",
                                id_type);

// A row that was not written: somebody has its id. Or it was kept out otherwise, and a caller that looks for the other
// one would find nothing.
void require_taken(pg::spi_connection &spi, const schema::table_catalog &where, const new_admin_row &row) {
    if (!spi.run(with_id, where.schema, pg::access::latest, row.mg_id()).empty())
        return;
    const std::string detail = to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id()));
    if (schema::who_interferes(where.admins.id, schema::writing::insert).empty())
        throw pg::sql_error{"23505", "a unique key of mega_admin that is not mega's keeps the row out", detail,
                            "See which unique indexes beside mega's the table has."};
    schema::refuse_interference(where.admins.id, schema::writing::insert, "keeps a row out of mega_admin", detail);
}

} // namespace

new_admin_row::new_admin_row(core::record_type type, std::string_view id)
    : mg_id_(std::string(core::name(type)) + ":" + std::string(id)) {
    set(column::mg_id, mg_id_);
    set(column::mg_record_type, core::name(type));
    set(column::mg_meta, pg::empty_object());
    set(column::mg_source_system, "api");
}

bool append(pg::spi_connection &spi, const schema::table_catalog &where, const new_admin_row &row) {
    if (!claim_admin_id(where, row.mg_id()))
        return false;
    const pg::as_role owner(where.admins.owner);
    const pg::rows stored = spi.execute(insert_row, where.schema, pg::access::read_write, row.columns());
    if (stored.empty()) {
        require_taken(spi, where, row);
        return false;
    }
    if (stored.text(0, 0) != row.mg_id())
        schema::refuse_interference(where.admins.id, schema::writing::insert, "gives a row of mega_admin another id",
                                    to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id()) + " stored: " +
                                                                    pg::quoted(stored.text(0, 0).value_or("NULL"))));
    return true;
}

} // namespace mega::ledger
