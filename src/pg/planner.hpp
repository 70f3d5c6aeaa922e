// Ways of reading that the planner is to leave aside for the length of a scope: where it cannot know how many rows a
// condition leaves, and an order that comes from an index is wanted whatever it guesses.
#pragma once

#include "pg/settings.hpp"

namespace pg {

class only_in_index_order {
public:
    only_in_index_order()
        : level_(call([](inside in) {
              constexpr setting ways[] = {
                  {"enable_sort", "off"}, {"enable_bitmapscan", "off"}, {"enable_seqscan", "off"}};
              return set_in_scope(in, ways);
          })) {}
    only_in_index_order(const only_in_index_order &) = delete;
    only_in_index_order &operator=(const only_in_index_order &) = delete;

    // On success only; after an error the (sub)transaction's end restores the settings.
    void done() {
        call([this] { AtEOXact_GUC(true, level_); });
    }

private:
    int level_;
};

} // namespace pg
