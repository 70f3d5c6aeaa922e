// Setting an end: what has ended is written off before.
#include "credits/customer_end.hpp"

#include "core/utc_time.hpp"
#include "credits/posting.hpp"
#include "ledger/checked.hpp"

namespace mega::credits {

bool set_customer_end(ledger::store &store, ledger::locked_customer &customer, std::optional<pg::timestamp> end) {
    const pg::timestamp now = pg::clock_time();
    write_off_expired(store, customer, now); // a later end would bring back what has ended
    if (customer.expires_at == end)
        return false;
    if (end && *end <= now)
        throw pg::sql_error{ledger::bad_argument, "expires_at has passed already",
                            "expires_at=" + core::iso_utc(pg::unix_micros(*end)),
                            "Give a time ahead, or null for none."};
    ledger::write_expiry(store, customer, end);
    return true;
}

} // namespace mega::credits
