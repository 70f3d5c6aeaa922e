#pragma once

#include "pg/guard.hpp"

namespace pg {

// An empty detail is none.
inline void warn(const std::string &message, const std::string &detail) {
    call([&] {
        ereport(WARNING, (errmsg_internal("%s", message.c_str()),
                          detail.empty() ? 0 : errdetail_internal("%s", detail.c_str())));
    });
}

} // namespace pg
