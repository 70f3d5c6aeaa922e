// Rows of mega_admin that are written again and again under one id: each is changed where it stands, or made.
#pragma once

#include "core/record_id.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::admin {

// The id of a row as it is given, bare or whole, made bare. Raises 22023.
std::string read_id(core::record_type type, const char *name, std::optional<std::string_view> given,
                    std::size_t longest);

// Tries until one of two happened: change() found the row and changed it, or make() made it. Both return whether
// they did. Between the two somebody else may make it, or end it. Raises 55000 when a trigger of somebody's keeps the
// change away, and 40001.
template <class Change, class Make>
bool change_or_make(const schema::table_catalog &where, const std::string &mg_id, Change change, Make make);

// What is left when neither happened.
[[noreturn]] void give_up(const schema::table_catalog &where, const std::string &mg_id);

template <class Change, class Make>
bool change_or_make(const schema::table_catalog &where, const std::string &mg_id, Change change, Make make) {
    // Above READ COMMITTED what others do is not seen in the next round, either.
    const int rounds = pg::keeps_its_snapshot() ? 1 : 20;
    for (int round = 0; round < rounds; ++round) {
        pg::check_for_interrupts();
        if (change())
            return false;
        if (make())
            return true;
    }
    give_up(where, mg_id);
}

} // namespace mega::admin
