// Which rows of the ledger are holds that wait: the predicate of their index, and of the statements that read by it.
#pragma once

// By the bytes of the id, whatever collation an adopted column has; without a semicolon, at which tools that read the
// catalog cut. row: what stands before the name of a column.
#define MEGA_PENDING_HOLD_OF(row)                                                                                      \
    row "mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND " row "mg_status OPERATOR(pg_catalog.=) "      \
        "'pending' AND pg_catalog.starts_with(" row "mg_id COLLATE pg_catalog.\"C\", 'credit_transaction:hold:')"

#define MEGA_PENDING_HOLD_IN_INDEX MEGA_PENDING_HOLD_OF("")
#define MEGA_PENDING_HOLD MEGA_PENDING_HOLD_OF("g.") // of rows g

namespace mega::schema {

// The index as pg_get_indexdef writes it.
inline constexpr const char *pending_hold_index =
    "btree (mg_pass_id) WHERE ((mg_record_type = 'credit_transaction'::text) AND (mg_status = 'pending'::text) AND "
    "starts_with((mg_id COLLATE \"C\"), 'credit_transaction:hold:'::text))";

} // namespace mega::schema
