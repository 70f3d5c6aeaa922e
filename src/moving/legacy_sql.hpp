// How the legacy tables are read: one statement for each, which says of every row whose it is and what mega has of it.
#pragma once

#include "moving/legacy.hpp"
#include "pg/spi.hpp"

#include <set>

namespace mega::moving {

// What the first column of a statement tells.
using set_of_ids = std::set<std::string, std::less<>>;
set_of_ids ids_of(const pg::rows &found);

// The one customer of all that is nobody's: UUID version 5 of 'mega:anonymous' in the namespace of URLs.
#define MEGA_ANONYMOUS_ID "f17ecf7f-efea-51e0-9b3d-a9c04749cae1"
inline constexpr std::string_view anonymous_pass_id = "pass:anon:" MEGA_ANONYMOUS_ID;

// The columns of every statement below.
enum class legacy_result : int {
    pass_id,    // text: whose it is in mega; NULL when its key cannot be one
    kind,       // int4: 0, or 1 for the credit rows of a customer
    id,         // text: the row's key
    document,   // jsonb: the row; NULL when mega has it unchanged
    there,      // boolean: mega has a row of this id
    imported,   // boolean: and an import wrote it
    keeps,      // boolean: of a credit row: its reference is no other row's
    by_session, // boolean: its key names nobody, and so it is its session's customer's
    delta,      // int8: of a credit row that no import wrote what it moves in mega, NULL when it is another
                // customer's; of a customer what imports wrote
    digest      // text: tells whether the row changed
};

// The customers, each followed by its credit rows, in byte order of pass id. $1: the mapping of reasons. few: only
// customers of whom something is new, with all that they have; $2: the keys of customers' rows and $3: the ids of
// credit rows that are.
std::string customers_query(const legacy_schema &from, Oid schema, bool customers, bool credits, bool few);

// The credit rows of legacy's that are in mega and that no import wrote: whose they are, their mg_id and mg_delta. For
// a statement that begins with `people`.
std::string unnoted_credits(const legacy_schema &from);

// A table of the ledger or of the office. few: only the rows with the ids $1, and those without an id.
std::string studio_query(const legacy_schema &from, Oid schema, legacy table, bool few);

// The same of `rows`, the text of a table. document, last: of these columns the expressions, over the row `t` of legacy
// and `m` of mega.
std::string rows_of_table(const legacy_schema &from, Oid schema, legacy table, const std::string &rows,
                          const char *document, const char *last);

// Some rows of a table, the same ones for the same seed, in the order of their ids: of each the document always, and in
// the last column what mega has, as a document.
std::string sample_query(const legacy_schema &from, Oid schema, legacy table, std::int32_t rows, std::int64_t seed);

// The ids of a table's rows that were refused.
std::string told_ids_query(Oid schema, legacy table);

// Rows of a table that mega does not have, one of each id when it has that: whose they are, of how many an audit of
// their id tells that they were refused, and of how many none does.
std::string missing_query(const legacy_schema &from, Oid schema, legacy table);

// People that have more than one pass id: by (user_id or email), value, the two pass ids.
std::string persons_query(const legacy_schema &from, Oid schema);

// Whose each customer's row is: key, pass_id, credits, as the text of a common table expression `people` and what it
// needs, for statements that compare. Begins with WITH.
std::string people(const legacy_schema &from, Oid schema);

// The same of some of their rows: the text of a table.
std::string people_among(const legacy_schema &from, Oid schema, const std::string &rows);

// By which digests the pass ids of erased customers' keys are known.
std::string erased_keys_query(Oid schema);

// The newest time of a table that has passed. $1: now.
std::string newest_query(const legacy_schema &from, legacy table);

// Whose a row with this key is by the rule of the pass id, as the text of an expression; NULL for a text that is no id.
std::string pass_of(const std::string &key);

// When a row `l` was made, as the text of an expression that fails for none; NULL where no column says it, or a text
// that is no time of ISO 8601.
std::string made_time(const legacy_schema &from, legacy table);

// The texts of an array that is given, for a subselect.
std::string given_texts(int parameter);

// Text with @name@ replaced.
std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string>> values);

} // namespace mega::moving
