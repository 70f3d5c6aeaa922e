// A legacy row in one number, by which a later import sees that it is the row that it has brought. It depends on no
// setting of the session, and costs a fraction of the document.
#pragma once

#include "moving/legacy.hpp"

namespace mega::moving {

// The digest of a row of the table, as the text of an expression over its row `l` that gives a text. Rows that are not
// the same document have different ones; rows that are may have different ones, too, behind a change of the table or of
// the server, and are compared then.
std::string digest_of_row(const legacy_schema &from, legacy table);

// The same as an int8.
std::string number_of_row(const legacy_schema &from, legacy table);

// Whether the column is there and its values are the same texts as in the row's document.
bool is_plain(const legacy_schema &from, legacy table, std::string_view column);

// Its text in the row `l`, in the order of bytes.
std::string plain_text(std::string_view column);

// The text that the row's document has of the key, whatever its type casts to, in the same way.
std::string key_text(const legacy_schema &from, legacy table);

} // namespace mega::moving
