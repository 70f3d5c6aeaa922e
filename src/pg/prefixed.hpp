// Words in front of a Postgres error's message, on its way through.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Runs body and returns what it returns. A Postgres error that it throws goes on with "<prefix>: " in front.
template <class Body> auto prefixed(const std::string &prefix, Body body) {
    try {
        return body();
    } catch (const pg_error &error) {
        if (error.data != nullptr)
            error.data->message =
                call([&prefix, &error] { return psprintf("%s: %s", prefix.c_str(), error.data->message); });
        throw;
    }
}

} // namespace pg
