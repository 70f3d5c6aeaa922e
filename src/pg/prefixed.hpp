// Words in front of a Postgres error's message, on its way through.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Whether an error speaks of what was given, and not of the transaction, the server or its administrator.
inline bool is_about_input(int sqlerrcode) {
    const int category = ERRCODE_TO_CATEGORY(sqlerrcode);
    return category != ERRCODE_TRANSACTION_ROLLBACK && category != ERRCODE_INSUFFICIENT_RESOURCES &&
           category != ERRCODE_OPERATOR_INTERVENTION && category != ERRCODE_SYSTEM_ERROR &&
           category != ERRCODE_INTERNAL_ERROR;
}

// Runs body and returns what it returns. A Postgres error about what was given goes on with what `prefix` makes of its
// DETAIL in front.
template <class Prefix, class Body> auto prefixed_by(Prefix prefix, Body body) {
    try {
        return body();
    } catch (const pg_error &error) {
        if (error.data != nullptr && is_about_input(error.data->sqlerrcode)) {
            const std::string words = prefix(error.data->detail != nullptr ? error.data->detail : "");
            error.data->message =
                call([&words, &error] { return psprintf("%s%s", words.c_str(), error.data->message); });
        }
        throw;
    }
}

// The same with "<prefix>: " in front.
template <class Body> auto prefixed(const std::string &prefix, Body body) {
    return prefixed_by([&prefix](std::string_view) { return prefix + ": "; }, body);
}

} // namespace pg
