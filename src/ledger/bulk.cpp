#include "ledger/bulk.hpp"

namespace mega::ledger {

void bulk::add(const new_row &row) {
    store_.check(row, checked_);
    if (checked_.size() == store::most_appended * row.columns().size())
        append();
}

void bulk::append() {
    if (checked_.empty())
        return;
    store_.append_many(checked_);
    checked_.clear();
}

} // namespace mega::ledger
