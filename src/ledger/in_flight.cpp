// The stacks of writes that mega has under way.
#include "ledger/in_flight.hpp"

#include "pg/trigger.hpp"

namespace mega::ledger::in_flight {

namespace {

constinit int works = 0, joinings = 0;

void require_none(int under_way, const char *what) {
    if (under_way > 0)
        throw pg::sql_error{"55006", what, "It was called by a trigger or by other code on the tables of mega.",
                            "Take the call out of it, or put it into a constraint trigger that is deferred."};
}

constinit projection *projections = nullptr;
constinit own_key *own_keys = nullptr;
constinit move *moving = nullptr;
constinit settlement *settlements = nullptr;
constinit opening *openings = nullptr;
constinit credit *top_credit = nullptr;

} // namespace

work::work() noexcept { ++works; }

work::~work() { --works; }

void require_no_work(const char *what) { require_none(works, what); }

joining::joining() noexcept { ++joinings; }

joining::~joining() { --joinings; }

void require_no_joining(const char *what) { require_none(joinings, what); }

projection::projection(std::string_view pass_id, std::int32_t credits, const Jsonb *preferences) noexcept
    : pass_id_(pass_id), credits_(credits), preferences_(preferences), subtransaction_(GetCurrentSubTransactionId()),
      depth_(pg::trigger_depth()), below_(projections) {
    projections = this;
}

projection::~projection() { projections = below_; }

look::look(std::string_view pass_id, moment when) noexcept {
    if (projections == nullptr || projections->pass_id_ != pass_id ||
        projections->subtransaction_ != GetCurrentSubTransactionId() ||
        pg::trigger_depth() != projections->depth_ + 1 || projections->looks_ != (when == moment::before ? 0 : 1))
        return;
    ++projections->looks_;
    seen_ = projections;
}

own_key::own_key(std::string_view row, const JsonbContainer *value, std::string_view pass_id) noexcept
    : row_(row), pass_id_(pass_id), value_(value), subtransaction_(GetCurrentSubTransactionId()),
      depth_(pg::trigger_depth()), below_(own_keys) {
    own_keys = this;
}

own_key::~own_key() { own_keys = below_; }

bool writes_own_key(std::string_view row, const pg::json_value &given, moment when) {
    own_key *top = own_keys;
    if (top == nullptr || top->value_ == nullptr || top->row_ != row ||
        top->subtransaction_ != GetCurrentSubTransactionId() || top->looks_ != (when == moment::before ? 0 : 1))
        return false;
    // Its own check, or a trigger of its own statement.
    if (const int deeper = pg::trigger_depth() - top->depth_; deeper != 0 && deeper != 1)
        return false;
    if (!given.is_object() || !pg::equal(given.container(), const_cast<JsonbContainer *>(top->value_)))
        return false;
    ++top->looks_;
    return true;
}

bool is_written(std::string_view row) noexcept {
    return own_keys != nullptr && own_keys->row_ == row && own_keys->subtransaction_ == GetCurrentSubTransactionId();
}

bool is_written_for(std::string_view row, std::string_view pass_id) noexcept {
    return is_written(row) && (own_keys->pass_id_.empty() || own_keys->pass_id_ == pass_id);
}

move::move(std::string_view from, std::string_view to) noexcept
    : from_(from), to_(to), subtransaction_(GetCurrentSubTransactionId()), depth_(pg::trigger_depth()), below_(moving) {
    moving = this;
}

move::~move() { moving = below_; }

bool moves(std::string_view from, std::string_view to) noexcept {
    return moving != nullptr && moving->subtransaction_ == GetCurrentSubTransactionId() &&
           pg::trigger_depth() == moving->depth_ + 1 && moving->from_ == from && moving->to_ == to;
}

settlement::settlement(std::span<const std::string> mg_ids) noexcept
    : mg_ids_(mg_ids), subtransaction_(GetCurrentSubTransactionId()), depth_(pg::trigger_depth()), below_(settlements) {
    settlements = this;
}

settlement::~settlement() { settlements = below_; }

bool settles(std::string_view mg_id) noexcept {
    return settlements != nullptr && settlements->subtransaction_ == GetCurrentSubTransactionId() &&
           pg::trigger_depth() == settlements->depth_ + 1 &&
           std::binary_search(settlements->mg_ids_.begin(), settlements->mg_ids_.end(), mg_id);
}

credit::credit(std::string_view mg_id, std::string_view pass_id, std::int32_t delta, const char *hint) noexcept
    : mg_id_(mg_id), pass_id_(pass_id), delta_(delta), hint_(hint), subtransaction_(GetCurrentSubTransactionId()),
      depth_(pg::trigger_depth()), below_(top_credit) {
    top_credit = this;
}

credit::~credit() { top_credit = below_; }

const char *must_be_covered(std::string_view mg_id) noexcept {
    return top_credit != nullptr && top_credit->subtransaction_ == GetCurrentSubTransactionId() &&
                   top_credit->mg_id_ == mg_id
               ? top_credit->hint_
               : nullptr;
}

bool is_left(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept {
    credit *top = top_credit;
    if (top == nullptr || top->subtransaction_ != GetCurrentSubTransactionId() ||
        pg::trigger_depth() != top->depth_ + 1 || top->mg_id_ != mg_id || top->pass_id_ != pass_id ||
        top->delta_ != delta)
        return false;
    return top->left_ = true;
}

opening::opening(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept
    : mg_id_(mg_id), pass_id_(pass_id), delta_(delta), subtransaction_(GetCurrentSubTransactionId()), below_(openings) {
    openings = this;
}

opening::~opening() { openings = below_; }

bool opens_books() noexcept { return openings != nullptr; }

bool opens(std::string_view mg_id, std::string_view pass_id, std::int32_t delta) noexcept {
    if (openings == nullptr || openings->used_ || openings->subtransaction_ != GetCurrentSubTransactionId() ||
        openings->mg_id_ != mg_id || openings->pass_id_ != pass_id || openings->delta_ != delta)
        return false;
    openings->used_ = true;
    return true;
}

} // namespace mega::ledger::in_flight
