// A change: the customer locked and read, what differs written, the audit behind it.
#include "identity/change.hpp"

#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "schema/interference.hpp"

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
    for (const auto &[c, value] : wanted)
        if (const pg::nullable_datum standing = read(c); !same_value(c, standing, value)) {
            changes.emplace_back(c, value);
            before_.emplace_back(c, standing);
        }
    if (changes.empty())
        return false;
    if (store().change_customer(*customer_, changes) != 1 || (store().others_act() && stands_as_before()))
        ledger::refuse_kept_out(store(), pass_id());
    return true;
}

// A trigger of somebody's may make of a value what it likes, but not what stood there: it is told to have changed.
bool change::stands_as_before() {
    return std::ranges::any_of(before_, [&](const ledger::customer_change &one) {
        return same_value(one.first, one.second, read(one.first));
    });
}

void change::finish(std::string_view action, pg::jsonb detail) {
    if (actor_) {
        ledger::append_audit(store().spi(), store().where(), {action, pass_id(), detail}, actor_);
        if (stands_as_before())
            schema::refuse_interference(store().where().admins.id, schema::writing::insert,
                                        "takes back what an audit tells of",
                                        ledger::to_readers({column::mg_pass_id}, "pass_id=" + pg::quoted(pass_id())));
    }
    call_.finish();
}

} // namespace mega::identity
