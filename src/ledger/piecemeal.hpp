// What is done to many customers in one call and refused for one of them by a rule of somebody else's, such as a CHECK
// of the application's: he is left out, and the others go on.
#pragma once

#include "ledger/store.hpp"

#include <exception>
#include <functional>

namespace mega::ledger {

// A refusal: about a row, or by whoever's code looks at it.
struct refusal {
    std::string message;
    std::exception_ptr error;
};

// Does it in a subtransaction, with a store of its own. Returns how it was refused, and nothing is written then; what
// is not about a row (a cancel, a deadlock, a full disk) goes on.
std::optional<refusal> refusal_of(const schema::table_catalog &where, const std::function<void(store &)> &act);

// Does act(store, items) to all together; when it is refused to halves of them, and so on, so that only those are left
// out, by left_out(item, refusal), to whom it cannot be done. May do it several times to one.
template <class Item, class Act, class LeftOut>
void do_piecemeal(const schema::table_catalog &where, std::span<Item> items, Act act, LeftOut left_out) {
    if (items.empty())
        return;
    const auto refused = refusal_of(where, [&](store &its_store) { act(its_store, items); });
    if (!refused)
        return;
    if (items.size() == 1)
        return left_out(items.front(), *refused);
    const std::size_t half = items.size() / 2;
    do_piecemeal(where, items.first(half), act, left_out);
    do_piecemeal(where, items.subspan(half), act, left_out);
}

// Who was left out of a call.
class left_out {
public:
    void add(std::string_view pass_id, const refusal &why);

    // At its end. A WARNING for each, which names him to those who may read it; when nothing could be done to anybody,
    // the first refusal is raised: it is everybody's.
    void tell(bool something_was_done) const;

private:
    struct one {
        std::string pass_id, message;
    };

    std::vector<one> all_;
    std::exception_ptr first_;
};

} // namespace mega::ledger
