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
                                              ledger::locked_customer &after, std::span<const row_to_post> rows,
                                              going_in when) {
    const ledger::shared_lots lots = before.lots;
    write_lots_ahead(store, before, after);
    ledger::appended_rows appended;
    std::optional<std::string> first;
    for (const auto &[what, made] : rows) {
        ledger::new_row row = row_of(what, made);
        row.set(schema::ledger::mg_pass_id, after.pass_id); // who was named may have been merged before the lock
        const char *hint = hint_of(what);
        switch (when == going_in::at_once ? store.append_credit(row, after.pass_id, what.delta, hint)
                                          : store.append_one_of_many(row, after.pass_id, what.delta, hint)) {
        case ledger::appended::no:
            take_lots_back(store, before, after.lots, lots);
            return std::nullopt;
        case ledger::appended::unprojected:
            appended.add(row, what.delta, hint, needs_room(what));
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

namespace {

// Writes its row; the customer becomes `after`.
void post_expiry(ledger::store &store, ledger::locked_customer &customer, ledger::locked_customer after,
                 const expiry &what, going_in when) {
    const row_to_post row[] = {{what.what, what.made}};
    if (!append_and_project(store, customer, after, row, when))
        ledger::refuse_appended_meanwhile("expiry", customer);
    customer = std::move(after);
}

// What has ended goes; its marks are the caller's.
std::optional<expiry> write_off(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of,
                                going_in when) {
    if (!is_due(customer, as_of))
        return std::nullopt;
    ledger::locked_customer after = customer;
    auto ended = expire(after, as_of);
    if (!ended) { // there was nothing: only the time goes
        if (customer.expires_at && *customer.expires_at <= as_of)
            ledger::write_expiry(store, customer, std::nullopt);
        return std::nullopt;
    }
    post_expiry(store, customer, std::move(after), *ended, when);
    return ended;
}

} // namespace

std::int64_t write_off_expired(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of) {
    const auto ended = write_off(store, customer, as_of, going_in::at_once);
    mark_ended(store, ended, customer);
    return ended ? ended->came.total() : 0;
}

void write_off_expired(ledger::store &store, ledger::locked_customer &customer) {
    customer.settled_at = pg::clock_time();
    write_off_expired(store, customer, *customer.settled_at);
}

void settle(ledger::store &store, ledger::locked_customer &customer) {
    write_off_expired(store, customer);
    ledger::locked_customer after = customer;
    core::holdings has = ledger::holdings_of(after);
    core::settlement came = core::stand(has, INT64_MIN);
    if (came.cover.empty())
        return;
    const expiry paid = expiry_of(after, std::move(has), std::move(came));
    post_expiry(store, customer, std::move(after), paid, going_in::at_once);
}

std::optional<std::int64_t> settle_lots(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of,
                                        std::span<const due_lot> due) {
    bool settled = is_due(customer, as_of);
    const auto ended = write_off(store, customer, as_of, going_in::with_others);
    core::lot_changes left = ended ? ended->came.ended : core::lot_changes();
    for (const due_lot &lot : due) {
        const auto its = std::ranges::find(left, lot.name, &core::lot_change::name);
        settled = ledger::mark_ended(store, lot.name, its == left.end() ? 0 : -its->credits, lot.place) || settled;
        if (its != left.end())
            left.erase(its);
    }
    for (const core::lot_change &one : left) // which the look had no room for
        ledger::mark_ended(store, one.name, -one.credits);
    if (ended && !ended->came.ended.empty())
        ledger::see_what_others_did(store, customer);
    return settled ? std::optional(ended ? ended->came.total() : 0) : std::nullopt;
}

} // namespace mega::credits
