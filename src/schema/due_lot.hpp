// Which rows of the ledger are lots whose end is not settled: the predicate of their index, and of the statement that
// reads by it.
#pragma once

// In microseconds since 1970. row: what stands before the name of a column.
#define MEGA_LOT_ENDS_OF(row) "((" row "mg_meta OPERATOR(pg_catalog.#>>) '{mega,ends}')::pg_catalog.int8)"
#define MEGA_DUE_LOT_OF(row)                                                                                           \
    row "mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND (" row                                         \
        "mg_meta OPERATOR(pg_catalog.#>>) '{mega,ends}') IS NOT NULL AND (" row                                        \
        "mg_meta OPERATOR(pg_catalog.#>>) '{mega,ended}') IS NULL"

#define MEGA_LOT_ENDS MEGA_LOT_ENDS_OF("g.") // of rows g
#define MEGA_DUE_LOT MEGA_DUE_LOT_OF("g.")
