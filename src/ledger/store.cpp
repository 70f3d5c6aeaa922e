#include "ledger/store.hpp"

#include "ledger/direct.hpp"
#include "ledger/store_direct.hpp"

namespace mega::ledger {

std::unique_ptr<store> open_store(pg::session &session, const schema::tables &where) {
    if (direct::possible(where))
        return std::make_unique<direct_store>(session, where);
    return std::make_unique<sql_store>(session, where);
}

} // namespace mega::ledger
