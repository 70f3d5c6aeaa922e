// Acting as another role for the length of a scope, with row security off, the way foreign-key triggers do.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

class as_role {
public:
    explicit as_role(Oid role) noexcept {
        GetUserIdAndSecContext(&saved_role_, &saved_context_);
        if (outermost_ == nullptr)
            outermost_ = this;
        SetUserIdAndSecContext(role, saved_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
    }
    ~as_role() {
        if (outermost_ == this)
            outermost_ = nullptr;
        SetUserIdAndSecContext(saved_role_, saved_context_);
    }
    as_role(const as_role &) = delete;
    as_role &operator=(const as_role &) = delete;

    static bool acting() noexcept { return outermost_ != nullptr; }

    // The role that all the scopes act for, and its security context: the current one outside of them.
    static void caller(Oid &role, int &context) noexcept {
        GetUserIdAndSecContext(&role, &context);
        if (outermost_ == nullptr)
            return;
        role = outermost_->saved_role_;
        context = outermost_->saved_context_;
    }

private:
    static inline constinit const as_role *outermost_ = nullptr;

    Oid saved_role_;
    int saved_context_;
};

} // namespace pg
