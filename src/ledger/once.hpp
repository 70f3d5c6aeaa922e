// What is to be done once, whoever else is about to do it.
#pragma once

#include "ledger/customer.hpp"
#include "ledger/disclosure.hpp"
#include "pg/error.hpp"
#include "pg/snapshot.hpp"

namespace mega::ledger {

// look: what was done before, or nothing; raises when that was something else. lock: takes the locks under which it is
// done, and says whether somebody may have done it since the look: whoever does it changes what is locked. act: does
// it; false when its key is taken all the same, under another customer's lock or by a raw row, as the unique index saw
// first. unseen: raises that somebody has the key whom this snapshot does not show. Returns what was done before, or
// nothing when it was done now.
template <class Look, class Lock, class Act, class Unseen> auto once(Look look, Lock lock, Act act, Unseen unseen) {
    decltype(look()) before{};
    bool changed = false;
    {
        pg::same_moment moment;
        before = look();
        if (!before)
            changed = lock();
        moment.done();
    }
    if (!before && changed)
        before = look();
    if (!before && !act()) {
        before = look();
        if (!before)
            unseen();
    }
    return before;
}

// Raises 40001. id: what the caller named.
[[noreturn]] inline void refuse_appended_meanwhile(const char *what, const char *name, std::string_view id) {
    throw pg::sql_error{"40001", std::string("the same ") + what + " was recorded meanwhile",
                        std::string(name) + "=" + pg::quoted(id), "Try again."};
}

// The same of a customer who may go on for the one that was named.
[[noreturn]] inline void refuse_appended_meanwhile(const char *what, const locked_customer &whose) {
    throw pg::sql_error{"40001", std::string("the same ") + what + " was recorded meanwhile",
                        to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(whose.pass_id)),
                        "Try again."};
}

// Of rows that are written together one stands alone: somebody wrote it by hand. missing: the txn_id of the other.
[[noreturn]] inline void refuse_half(const char *what, const char *name, std::string_view id,
                                     std::string_view missing) {
    throw pg::sql_error{"MG002", std::string("half of this ") + what + " was recorded by hand",
                        std::string(name) + "=" + pg::quoted(id) + " missing: txn_id=" + pg::quoted(missing),
                        std::string("Use another ") + name + ", and record what lacks with mega_record_credit."};
}

} // namespace mega::ledger
