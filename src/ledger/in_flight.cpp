#include "ledger/in_flight.hpp"

namespace mega::ledger::in_flight {

namespace {

constinit projection *projections = nullptr;
constinit settlement *settlements = nullptr;

} // namespace

projection::projection(std::string_view pass_id, std::int32_t credits, const Jsonb *preferences) noexcept
    : pass_id_(pass_id), credits_(credits), preferences_(preferences), subtransaction_(GetCurrentSubTransactionId()),
      below_(projections) {
    projections = this;
}

projection::~projection() { projections = below_; }

bool writes_credits(std::string_view pass_id, std::int32_t credits) noexcept {
    return projections != nullptr && projections->pass_id_ == pass_id && projections->credits_ == credits &&
           projections->subtransaction_ == GetCurrentSubTransactionId();
}

bool writes_preferences(std::string_view pass_id, const Jsonb *preferences) noexcept {
    return projections != nullptr && projections->pass_id_ == pass_id && projections->preferences_ != nullptr &&
           projections->subtransaction_ == GetCurrentSubTransactionId() &&
           VARSIZE(projections->preferences_) == VARSIZE(preferences) &&
           std::memcmp(projections->preferences_, preferences, VARSIZE(preferences)) == 0;
}

settlement::settlement(std::span<const std::string> mg_ids) noexcept
    : mg_ids_(mg_ids), subtransaction_(GetCurrentSubTransactionId()), below_(settlements) {
    settlements = this;
}

settlement::~settlement() { settlements = below_; }

bool settles(std::string_view mg_id) noexcept {
    return settlements != nullptr && settlements->subtransaction_ == GetCurrentSubTransactionId() &&
           std::binary_search(settlements->mg_ids_.begin(), settlements->mg_ids_.end(), mg_id);
}

} // namespace mega::ledger::in_flight
