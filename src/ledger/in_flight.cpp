// The writes that mega has under way.
#include "ledger/in_flight.hpp"

namespace mega::ledger::in_flight {

namespace {

constinit int acts_under_way[2] = {};

int &count_of(act what) noexcept { return acts_under_way[static_cast<int>(what)]; }

} // namespace

under_way::under_way(act what) noexcept : what_(what) { ++count_of(what_); }

under_way::~under_way() { --count_of(what_); }

void require_none(act what, const char *refused) {
    if (count_of(what) > 0)
        throw pg::sql_error{"55006", refused, "It was called by a trigger or by other code on the tables of mega.",
                            "Take the call out of it, or put it into a constraint trigger that is deferred."};
}

projection::projection(std::string_view pass_id, std::int32_t credits, const Jsonb *preferences) noexcept
    : pass_id_(pass_id), credits_(credits), preferences_(preferences) {}

look::look(std::string_view pass_id, moment when) noexcept {
    projection *const top = projection::top_for_trigger();
    if (top == nullptr || top->pass_id_ != pass_id || top->looks_ != (when == moment::before ? 0 : 1))
        return;
    ++top->looks_;
    seen_ = top;
}

own_key::own_key(std::string_view row, const JsonbContainer *value, std::string_view pass_id) noexcept
    : row_(row), pass_id_(pass_id), value_(value) {}

bool writes_own_key(std::string_view row, const pg::json_value &given, moment when) {
    own_key *const top = own_key::top();
    if (top == nullptr || top->value_ == nullptr || top->row_ != row || top->looks_ != (when == moment::before ? 0 : 1))
        return false;
    // Its own check, or a trigger of its own statement.
    if (const int deeper = top->triggers_since(); deeper != 0 && deeper != 1)
        return false;
    if (!given.is_object() || !pg::equal(given.container(), const_cast<JsonbContainer *>(top->value_)))
        return false;
    ++top->looks_;
    return true;
}

bool is_written(std::string_view row) noexcept {
    const own_key *const top = own_key::top();
    return top != nullptr && top->row_ == row;
}

bool is_written_for(std::string_view row, std::string_view pass_id) noexcept {
    const own_key *const top = own_key::top();
    return top != nullptr && top->row_ == row && (top->pass_id_.empty() || top->pass_id_ == pass_id);
}

move::move(std::string_view from, std::string_view to) noexcept : from_(from), to_(to) {}

bool moves(std::string_view from, std::string_view to) noexcept {
    const move *const top = move::top_for_trigger();
    return top != nullptr && top->from_ == from && top->to_ == to;
}

settlement::settlement(std::span<const std::string> mg_ids) noexcept : mg_ids_(mg_ids) {}

bool settles(std::string_view mg_id) noexcept {
    const settlement *const top = settlement::top_for_trigger();
    return top != nullptr && std::binary_search(top->mg_ids_.begin(), top->mg_ids_.end(), mg_id);
}

credit::credit(std::string_view mg_id, std::string_view pass_id, std::int32_t delta, const char *hint) noexcept
    : mg_id_(mg_id), pass_id_(pass_id), delta_(delta), hint_(hint) {}

const char *must_be_covered(std::string_view mg_id) noexcept {
    const credit *const top = credit::top();
    return top != nullptr && top->mg_id_ == mg_id ? top->hint_ : nullptr;
}

bool is_left(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept {
    credit *const top = credit::top_for_trigger();
    if (top == nullptr || top->mg_id_ != mg_id || top->pass_id_ != pass_id || top->delta_ != delta)
        return false;
    return top->left_ = true;
}

opening::opening(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept
    : mg_id_(mg_id), pass_id_(pass_id), delta_(delta) {}

bool opens_books() noexcept { return !opening::is_empty(); }

bool opens(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept {
    opening *const top = opening::top();
    if (top == nullptr || top->used_ || top->mg_id_ != mg_id || top->pass_id_ != pass_id || top->delta_ != delta)
        return false;
    return top->used_ = true;
}

} // namespace mega::ledger::in_flight
