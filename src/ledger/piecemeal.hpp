// What is done to many customers in one call and refused for one of them by a rule of somebody else's, such as a CHECK
// of the application's: he is left out, and the others go on.
#pragma once

#include "ledger/store.hpp"
#include "pg/rounds.hpp"

#include <exception>
#include <functional>

namespace mega::ledger {

class piecemeal {
public:
    explicit piecemeal(const schema::table_catalog &where, const char *left_out = "a customer was left out")
        : where_(where), words_(left_out) {}

    // Does act(store, items) to all together, in a subtransaction and with a store of its own; when it is refused to
    // halves of them, and so on, so that only those are left out to whom it cannot be done. May try one several times:
    // what act tells its caller it tells behind its last write. pass_id_of(item) names one. What is not about a row (a
    // cancel, a deadlock, a full disk) goes on.
    template <class Item, class Act, class PassId> void run(std::span<Item> items, Act act, PassId pass_id_of) {
        if (items.empty())
            return;
        const auto refusal = attempt([&](store &its_store) { act(its_store, items); }, items.size() == 1);
        if (!refusal)
            return;
        if (items.size() == 1)
            return leave_out(pass_id_of(items.front()), *refusal);
        const std::size_t half = items.size() / 2;
        run(items.first(half), act, pass_id_of);
        run(items.subspan(half), act, pass_id_of);
    }

    bool left_out_any() const { return !left_out_.empty(); }

    // At the end of a call: a WARNING for each who was left out, which names him to those who may read it. When nothing
    // was done the first refusal is raised instead.
    void tell(bool something_was_done) const;

private:
    struct customer {
        std::string pass_id, refusal;
    };

    // What refused it, and nothing is written then. The error of the first one who is refused by himself is kept.
    std::optional<std::string> attempt(const std::function<void(store &)> &act, bool of_one);
    void leave_out(std::string_view pass_id, const std::string &refusal) {
        left_out_.push_back({std::string(pass_id), refusal});
    }

    const schema::table_catalog &where_;
    const char *const words_;
    pg::rounds part_; // one at a time
    std::vector<customer> left_out_;
    std::exception_ptr first_;
};

} // namespace mega::ledger
