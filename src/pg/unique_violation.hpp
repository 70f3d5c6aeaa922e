// A key that a row which is written has in common with another.
#pragma once

#include "pg/guard.hpp"

#include <string_view>

namespace pg {

// Calls handle(constraint, detail) when body met one, which may raise another error of it; otherwise Postgres' own goes
// on. The transaction ends with either.
template <class Body, class Handle> void on_unique_violation(Body body, Handle handle) {
    const auto text = [](const char *said) { return std::string_view(said == nullptr ? "" : said); };
    try {
        body();
    } catch (const pg_error &error) {
        if (error.data != nullptr && error.data->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
            handle(text(error.data->constraint_name), text(error.data->detail));
        throw;
    }
}

} // namespace pg
