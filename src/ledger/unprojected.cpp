// Notes which rows wait for their projection, and whose events or books were read meanwhile.
#include "ledger/unprojected.hpp"

#include <set>
#include <string>

namespace mega::ledger::unprojected {

namespace {

using customers = std::set<std::string, std::less<>>;

// Made on first use and kept: a static object of this kind would need a destructor.
struct marks {
    customers folded, opened;
};

constinit std::uint64_t sum = 0;   // over the ids of rows that wait
constinit std::int64_t rows = 0;   // how many
constinit TimestampTz command = 0; // of the client: a statement does not outlive it
constinit marks *marked = nullptr;

// What waited in an earlier command of the client waits no more.
void forget_earlier_commands() noexcept {
    if (command == GetCurrentStatementStartTimestamp())
        return;
    command = GetCurrentStatementStartTimestamp();
    sum = 0;
    rows = 0;
    if (marked != nullptr) {
        marked->folded.clear();
        marked->opened.clear();
    }
}

void note(customers marks::*which, std::string_view pass_id) {
    if (!may_wait())
        return;
    if (marked == nullptr)
        marked = new marks;
    (marked->*which).emplace(pass_id);
}

bool is_noted(customers marks::*which, std::string_view pass_id) {
    forget_earlier_commands();
    return marked != nullptr && (marked->*which).contains(pass_id);
}

} // namespace

void row_ids::add(std::string_view mg_id) noexcept {
    sum_ +=
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(mg_id.data()), static_cast<int>(mg_id.size()), 0);
    ++rows_;
}

void expect(row_ids ids) noexcept {
    forget_earlier_commands();
    sum += ids.sum_;
    rows += ids.rows_;
}

void arrived(row_ids ids) noexcept {
    forget_earlier_commands();
    sum -= ids.sum_;
    rows -= ids.rows_;
}

bool may_wait() noexcept {
    forget_earlier_commands();
    return sum != 0 || rows != 0;
}

void note_fold(std::string_view pass_id) { note(&marks::folded, pass_id); }

bool was_folded(std::string_view pass_id) { return is_noted(&marks::folded, pass_id); }

void note_opening(std::string_view pass_id) { note(&marks::opened, pass_id); }

bool was_opened(std::string_view pass_id) { return is_noted(&marks::opened, pass_id); }

} // namespace mega::ledger::unprojected
