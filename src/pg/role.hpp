// Acting as another role for the length of a scope, with row security off, the way foreign-key triggers do.
#pragma once

#include "pg/guard.hpp"

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

// The same for an owner whose code may run in the scope, in commands that name with their schema whatever they use;
// where his code looks names up, owners_terms says where. For a superuser who calls it is a security-restricted
// operation, as REINDEX is: what such code would leave to run later, as him, is an error, and settings are given back
// by end().
class as_owner {
public:
    explicit as_owner(Oid owner) : role_(owner) {
        Oid caller;
        int context;
        as_role::caller(caller, context);
        level_ =
            call([owner, caller] { return superuser_arg(caller) && !superuser_arg(owner) ? NewGUCNestLevel() : 0; });
        if (level_ == 0)
            return;
        GetUserIdAndSecContext(&caller, &context);
        SetUserIdAndSecContext(owner, context | SECURITY_RESTRICTED_OPERATION);
    }

    // After an error the end of the (sub)transaction does it.
    void end() {
        if (level_ != 0)
            call([this] { AtEOXact_GUC(false, level_); });
    }

private:
    as_role role_;
    int level_ = 0;
};

} // namespace pg
