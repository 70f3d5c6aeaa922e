// The digest of a text.
#pragma once

#include "pg/datum.hpp"

namespace pg {

// SHA-256 in hexadecimal digits.
inline std::string sha256_of(std::string_view text) {
    return std::string(text_of(call([text] {
        const Datum bytes = PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
        return DirectFunctionCall2(binary_encode, DirectFunctionCall1(sha256_bytea, bytes),
                                   PointerGetDatum(cstring_to_text("hex")));
    })));
}

} // namespace pg
