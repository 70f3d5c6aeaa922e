// A change: the customer locked and read, what differs written, the audit behind it.
#include "identity/change.hpp"

#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;

schema::written tables_written(bool audited, schema::written more) {
    const auto admins = audited ? schema::written::admins : schema::written::customers;
    return static_cast<schema::written>(static_cast<unsigned>(schema::written::customers) |
                                        static_cast<unsigned>(admins) | static_cast<unsigned>(more));
}

bool same_value(column c, const pg::nullable_datum &left, const pg::nullable_datum &right) {
    if (left.is_null || right.is_null)
        return left.is_null == right.is_null;
    const std::string_view type = schema::customer_columns[static_cast<std::size_t>(c)].type;
    if (type.starts_with("text"))
        return pg::text_of(left.value) == pg::text_of(right.value);
    if (type == "jsonb")
        return pg::equal(pg::root_of(pg::jsonb_of(left.value)), pg::root_of(pg::jsonb_of(right.value)));
    return left.value == right.value; // by value: a boolean, a number, a time
}

} // namespace

change::change(FunctionCallInfo fcinfo, std::optional<std::string_view> pass_id, std::optional<std::string_view> actor,
               schema::written more)
    : actor_(ledger::optional_text("actor", actor)), call_(fcinfo, tables_written(actor_.has_value(), more)) {
    const std::string_view given = ledger::require_text("pass_id", pass_id);
    customer_ = ledger::require_locked_customer(store(), ledger::spell_pass_id(store().where(), given));
}

pg::nullable_datum change::read(column c) {
    const column columns[] = {c};
    pg::nullable_datum value[1];
    store().read_customer(pass_id(), columns, value);
    return value[0];
}

bool change::write(std::span<const ledger::customer_change> wanted) {
    std::vector<ledger::customer_change> changes;
    std::vector<pg::nullable_datum> before;
    for (const auto &[c, value] : wanted)
        if (const pg::nullable_datum standing = read(c); !same_value(c, standing, value)) {
            changes.emplace_back(c, value);
            before.push_back(standing);
        }
    if (changes.empty())
        return false;
    if (store().change_customer(*customer_, changes) != 1)
        ledger::refuse_kept_out(store(), pass_id());
    if (store().others_act())
        require_changed(changes, before);
    return true;
}

// A trigger of somebody's may make of a value what it likes, but not what stood there: it is told to have changed.
void change::require_changed(std::span<const ledger::customer_change> changes,
                             std::span<const pg::nullable_datum> before) {
    for (std::size_t i = 0; i < changes.size(); ++i)
        if (same_value(changes[i].first, before[i], read(changes[i].first)))
            ledger::refuse_kept_out(store(), pass_id());
}

void change::finish(std::string_view action, pg::jsonb detail) {
    ledger::audit_actor(store().spi(), store().where(), {action, pass_id(), detail}, actor_);
    call_.finish();
}

} // namespace mega::identity
