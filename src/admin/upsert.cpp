// What is left when a row of mega_admin was neither changed nor made; reads its id as an argument.
#include "admin/upsert.hpp"

#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "schema/interference.hpp"

namespace mega::admin {

std::string read_id(core::record_type type, const char *name, std::optional<std::string_view> given,
                    std::size_t longest) {
    const std::string_view id = core::strip_prefix(type, ledger::require(name, given));
    ledger::check_text(name, id, ledger::bad_argument, longest);
    return std::string(id);
}

void give_up(const schema::table_catalog &where, const std::string &mg_id) {
    const std::string detail = "mg_id=" + pg::quoted(mg_id);
    if (!schema::who_interferes(where.admins.id, schema::writing::update).empty())
        schema::refuse_interference(where.admins.id, schema::writing::update, "keeps a change away from mega_admin",
                                    detail);
    throw pg::sql_error{"40001", "the same record is being written by others meanwhile", detail, "Try again."};
}

} // namespace mega::admin
