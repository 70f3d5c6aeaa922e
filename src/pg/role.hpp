// Acting as another role for the length of a scope, with row security off, the way foreign-key triggers do.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

class as_role {
public:
    explicit as_role(Oid role) noexcept {
        GetUserIdAndSecContext(&saved_role_, &saved_context_);
        SetUserIdAndSecContext(role, saved_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
    }
    ~as_role() { SetUserIdAndSecContext(saved_role_, saved_context_); }
    as_role(const as_role &) = delete;
    as_role &operator=(const as_role &) = delete;

private:
    Oid saved_role_;
    int saved_context_;
};

} // namespace pg
