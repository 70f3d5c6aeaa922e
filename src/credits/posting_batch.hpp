// Many postings at once: each customer is visited once, and rows go in together where the store takes them so.
#pragma once

#include "credits/posting.hpp"

namespace mega::credits {

class posting_batch {
public:
    explicit posting_batch(ledger::store &store) : store_(store) {}

    static constexpr auto no_posting = static_cast<std::size_t>(-1);

    // Postings in byte order of pass id, those of one customer in their order. under_way is the index of the one that
    // is looked at, for the caller's error; no_posting when it is what they come to. Writes what is not posted yet.
    // Raises what `post_once` raises; MG002, above READ COMMITTED 40001, when somebody else takes a key meanwhile.
    // Changes or locks the customers in their order.
    void add(std::span<const posting *const> all, std::size_t &under_way);

    // New postings of one customer, who is locked and whose expired credits are written off.
    void add_new(const ledger::locked_customer &customer, std::span<const posting *const> all);

    // Writes the rows that were added and are not written yet, and returns how many were added; the other postings
    // were replays. Raises the same when somebody else takes a key meanwhile.
    std::int32_t write();

private:
    struct plan;
    struct group;
    struct late_customer;
    class known_keys;
    using postings = std::span<const posting *const>;

    static std::vector<group> groups_of(postings all);
    std::vector<late_customer> add_to_unlocked(postings all, known_keys &known, std::size_t &under_way);
    std::optional<late_customer> visit(const group &own, postings all, known_keys &known, std::size_t &under_way);
    void follow(late_customer &late, std::size_t &under_way);
    bool is_refused(const late_customer &late, postings all, const known_keys &known);
    static void forget(const late_customer &late, known_keys &known);
    void look_again(std::span<const late_customer> late_ones, postings all, known_keys &known);
    void add_to_locked(late_customer &late, postings all, known_keys &known, std::size_t &under_way);
    std::vector<std::size_t> select_fresh(const group &own, postings all, known_keys &known, std::size_t &under_way);
    void append(const ledger::locked_customer &customer, plan &made, std::size_t &under_way);
    ledger::appended_rows write_rows(const plan &made, std::size_t &under_way);

    ledger::store &store_;
    bool some_were_merged_ = false; // since their pass ids were looked up
    std::int32_t written_ = 0;
};

} // namespace mega::credits
