// Two customers on their way to become one: their locks, what moves, and what each of them is behind it.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

#include <map>

namespace mega::identity {

class merging {
public:
    // Locks the source, the target, or who goes on for it by now, and the source's own sources FOR UPDATE, in byte
    // order of pass id, and reads both as they stand then. opener: whoever may call mega_open_books. Raises 23503.
    merging(ledger::store &store, Oid opener, std::string source, std::string target);

    const ledger::locked_customer &source() const { return source_; }
    const ledger::locked_customer &target() const { return target_; }
    const std::string &target_pass_id() const { return target_.pass_id; }

    // Settles both, moves the source's rows and projects them onto the target.
    void join();

    // Behind the audit: triggers of others that fire with it may have moved credits.
    void look_again();

    std::int32_t credits() const { return credits_; } // of both
    std::int64_t moved_rows() const;

    // What the audit says.
    pg::jsonb detail(const std::optional<std::string> &merge_id) const;

    // Raises MG009: the source was merged into somebody else.
    [[noreturn]] void refuse_merged_elsewhere() const;

private:
    void lock(std::string source, std::string target);
    void open_books();
    void move_rows();
    void write_source();
    void write_target(pg::jsonb source_meta);
    void relink(const std::string &pass_id);

    ledger::store &store_;
    Oid opener_;
    ledger::locked_customer source_, target_;
    std::vector<std::string> sources_; // of the source, and then the source
    std::map<std::string, std::int64_t> moved_;
    std::int32_t source_credits_ = 0, target_credits_ = 0, credits_ = 0;
    ledger::shared_lots source_lots_, target_lots_;
};

} // namespace mega::identity
