// What has come to its end goes, with a row that says so: lots, and what has none at mg_expires_at (I15).
#include "credits/posting.hpp"

namespace mega::credits {

namespace {

void take_lots_back(ledger::store &store, ledger::locked_customer &customer, const ledger::shared_lots &written,
                    ledger::shared_lots lots) {
    if (customer.lots == lots) // they were not written ahead
        return;
    store.refresh(customer);
    if (customer.lots != written)
        ledger::refuse_appended_meanwhile("movement", customer);
    ledger::write_lots(store, customer, std::move(lots));
}

expiry expiry_of(ledger::locked_customer &customer, core::holdings has, core::settlement came) {
    expiry done;
    done.what.pass_id = customer.pass_id;
    done.what.delta = static_cast<std::int32_t>(-came.total());
    done.what.reason = "expired";
    done.what.own_names = true;
    done.what.ends_credits = true;
    customer.credits = ledger::balance_after(customer, done.what.delta);
    customer.lots = std::move(has.lots);
    if (came.end_passed)
        customer.expires_at.reset();
    customer.updated_at = ledger::stamp_behind(customer.updated_at, customer.settled_at.value_or(pg::clock_time()));
    done.what.txn_id = "expire:" + ledger::new_id();
    done.made.stamp = customer.updated_at;
    done.made.lots.cover = came.cover;
    for (const core::lot_change &one : came.ended)
        if (one.credits != 0)
            done.made.lots.lots.push_back(one);
    done.came = std::move(came);
    return done;
}

} // namespace

void write_lots_ahead(ledger::store &store, ledger::locked_customer &before, const ledger::locked_customer &after) {
    if (store.others_act() && before.lots != after.lots)
        ledger::write_lots(store, before, after.lots);
}

bool is_due(const ledger::locked_customer &customer, pg::timestamp as_of) {
    return (customer.expires_at && *customer.expires_at <= as_of) ||
           (!customer.lots->empty() && customer.lots->front().ends <= pg::unix_micros(as_of));
}

std::optional<expiry> expire(ledger::locked_customer &customer, pg::timestamp as_of) {
    if (!is_due(customer, as_of))
        return std::nullopt;
    core::holdings has = ledger::holdings_of(customer);
    core::settlement came = core::stand(has, pg::unix_micros(as_of));
    if (!came.anything_ended())
        return std::nullopt;
    return expiry_of(customer, std::move(has), std::move(came));
}

std::optional<expiry> expire_behind(ledger::locked_customer &customer, applied &last) {
    core::holdings has = ledger::holdings_of(customer);
    core::settlement came = core::stand(has, pg::unix_micros(customer.settled_at.value_or(pg::clock_time())));
    if (came.anything_ended())
        return expiry_of(customer, std::move(has), std::move(came));
    last.lots.cover.insert(last.lots.cover.end(), came.cover.begin(), came.cover.end());
    customer.lots = std::move(has.lots);
    return std::nullopt;
}

std::optional<std::string> append_and_project(ledger::store &store, ledger::locked_customer &before,
                                              ledger::locked_customer &after, std::span<const row_to_post> rows) {
    const ledger::shared_lots lots = before.lots;
    write_lots_ahead(store, before, after);
    ledger::appended_rows appended;
    std::optional<std::string> first;
    for (const auto &[what, made] : rows) {
        ledger::new_row row = row_of(what, made);
        row.set(schema::ledger::mg_pass_id, after.pass_id); // who was named may have been merged before the lock
        const char *hint = hint_of(what);
        switch (store.append_credit(row, after.pass_id, what.delta, hint)) {
        case ledger::appended::no:
            take_lots_back(store, before, after.lots, lots);
            return std::nullopt;
        case ledger::appended::unprojected:
            appended.add(row, what.delta, hint);
            break;
        case ledger::appended::projected:
            break;
        }
        if (!first)
            first = row.mg_id();
    }
    ledger::project_appended(store, before, after, appended);
    return first;
}

void mark_ended(ledger::store &store, const std::optional<expiry> &settled, ledger::locked_customer &customer) {
    if (!settled || settled->came.ended.empty())
        return;
    for (const core::lot_change &one : settled->came.ended)
        ledger::mark_ended(store, one.name, -one.credits);
    ledger::see_what_others_did(store, customer);
}

std::int64_t write_off_expired(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of) {
    if (!is_due(customer, as_of))
        return 0;
    ledger::locked_customer after = customer;
    const auto ended = expire(after, as_of);
    if (!ended) { // there was nothing: only the time goes
        if (customer.expires_at && *customer.expires_at <= as_of)
            ledger::write_expiry(store, customer, std::nullopt);
        return 0;
    }
    const row_to_post row[] = {{ended->what, ended->made}};
    if (!append_and_project(store, customer, after, row))
        ledger::refuse_appended_meanwhile("expiry", customer);
    mark_ended(store, ended, after);
    customer = std::move(after);
    return ended->came.total();
}

void write_off_expired(ledger::store &store, ledger::locked_customer &customer) {
    customer.settled_at = pg::clock_time();
    write_off_expired(store, customer, *customer.settled_at);
}

std::optional<std::int64_t> settle_lots(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of,
                                        std::span<const std::string> due) {
    bool settled = is_due(customer, as_of);
    const std::int64_t credits = write_off_expired(store, customer, as_of);
    for (const std::string &name : due) // those that ended with something left have their mark
        settled = ledger::mark_ended(store, name, 0) || settled;
    return settled ? std::optional(credits) : std::nullopt;
}

} // namespace mega::credits
