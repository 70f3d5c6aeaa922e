// A DELETE of ledger rows, for applications that delete (mega.deletes): marked instead, or really removed with an
// audit.
#pragma once

#include "pg/trigger.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// BEFORE DELETE, by row: the tuple when the row may go, null when it was marked and stays, and for a credit row that
// names a generation, which stays as it is. Raises MG005 when mega.deletes is reject, and for other credit rows always.
HeapTuple delete_or_mark(const schema::table_catalog &where, const pg::trigger_call &call);

// AFTER DELETE, by row: with a generation go its steps, its events are marked; an audit tells what went, without what
// it said.
void tell_removed(const schema::table_catalog &where, const pg::trigger_call &call);

} // namespace mega::ledger
