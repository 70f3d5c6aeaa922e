// What is done to many customers or rows in one call and refused for one of them by a rule of somebody else's, such as
// a CHECK of the application's: that one is left out, and the others go on.
#pragma once

#include "ledger/store.hpp"
#include "pg/rounds.hpp"

#include <exception>
#include <functional>

namespace mega::ledger {

// How one that was left out is told to those who may read it.
std::string told_as_customer(const std::string &pass_id);
std::string told_as_row(const std::string &mg_id);

class piecemeal {
public:
    static constexpr std::size_t most_refused = 10000;

    explicit piecemeal(const schema::table_catalog &where, const char *left_out = "a customer was left out",
                       std::string (*told)(const std::string &) = told_as_customer, std::size_t most = most_refused)
        : where_(where), words_(left_out), told_(told), most_(most) {}

    // Does act(store, items) to all together, in a subtransaction and with a store of its own; when it is refused to
    // halves of them, and so on, so that only those are left out to whom it cannot be done. May try one several times:
    // what act tells its caller it tells behind its last write. name_of(item) names one. What is not about a row (a
    // cancel, a deadlock, a full disk) goes on.
    template <class Item, class Act, class Name> void run(std::span<Item> items, Act act, Name name_of) {
        if (items.empty() || gives_up())
            return;
        if (items.size() == 1)
            return one([&](store &its_store) { act(its_store, items); }, [&] { return name_of(items.front()); });
        if (together([&](store &its_store) { act(its_store, items); }))
            return;
        const std::size_t half = items.size() / 2;
        run(items.first(half), act, name_of);
        run(items.subspan(half), act, name_of);
    }

    // The same step by step, for who finds out whom he acts on while he does: whether act(store) was done to all
    // together; and to one, whom name() names when he is left out.
    [[nodiscard]] bool together(const std::function<void(store &)> &act) { return !attempt(act, false); }
    template <class Name> void one(const std::function<void(store &)> &act, Name name) {
        if (const auto refusal = attempt(act, true))
            left_out_.push_back({std::string(name()), *refusal});
    }

    bool left_out_any() const { return !left_out_.empty(); }

    // Whether so many were refused, and nothing else came of it, that the rule is one against all: the call ends with
    // the first refusal, and does not try everybody who waits.
    bool gives_up() const { return !something_went_ && left_out_.size() >= most_; }

    // At the end of a call: a WARNING for each that was left out, which names it to those who may read it. When nothing
    // was done the first refusal is raised instead.
    void tell(bool something_was_done) const;

private:
    struct left_out {
        std::string name, refusal;
    };

    // What refused it, and nothing is written then. The error of the first one who is refused by himself is kept.
    std::optional<std::string> attempt(const std::function<void(store &)> &act, bool of_one);

    const schema::table_catalog &where_;
    const char *const words_;
    std::string (*const told_)(const std::string &);
    const std::size_t most_;
    pg::rounds part_; // one at a time
    std::vector<left_out> left_out_;
    std::exception_ptr first_;
    bool something_went_ = false;
};

} // namespace mega::ledger
