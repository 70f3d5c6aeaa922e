// The keys that Postgres does not keep: on a table that was adopted with rows that share one, until mega_validate can
// build the unique index; and references of types that the index leaves out, though mega.unkeyed_ref_types does not
// name them any more, or not for this role. Each is held by a lock on the key until the end of the transaction, and a
// look. What is restored or replicated is not held against them, nor what a key of Postgres' holds.
#pragma once

#include "ledger/derived.hpp"
#include "ledger/new_row.hpp"
#include "pg/spi.hpp"

namespace mega::ledger {

// Whether the index leaves out types of references that are keys.
bool leaves_out_keys(const schema::table_catalog &where);

// Whether a row of the ledger may be appended: nobody has its id, nor, when it is a credit row, its reference.
bool claim_keys(const schema::table_catalog &where, const new_row &row);

// The same for a row on its way through the triggers; raises 23505. And where mega_customers has no key, so that no
// foreign key leads to it, 23503 for a customer who is not there.
void require_free_keys(const schema::table_catalog &where, const ledger_row &row);

// Takes the locks of the keys of a call's rows in order, before any customer is locked. What claims them later waits
// for nobody.
class key_locks {
public:
    explicit key_locks(const schema::table_catalog &where) : where_(where) {}

    bool are_needed() const;
    void add(std::string_view mg_id, std::optional<std::string_view> ref_type = {},
             std::optional<std::string_view> ref_id = {},
             std::optional<std::string_view> reason = {}); // mg_id: '' for none
    void take();

private:
    const schema::table_catalog &where_;
    std::vector<std::uint32_t> numbers_;
};

// Whether a row of mega_admin with this id may be written.
bool claim_admin_id(const schema::table_catalog &where, std::string_view mg_id);

// The same on its way through the triggers; raises 23505, and 23503 as above.
void require_free_keys(const schema::table_catalog &where, const schema::named_row<schema::admin> &row);

// Whether a customer may be written: nobody else has his pass id, when he is new, nor an identity that he gets.
struct claimed_identities {
    std::string pass_id;
    bool is_new;
    std::optional<std::string> shopify_id;
    std::optional<pg::uuid> user_id;
};
bool claim_identities(const schema::table_catalog &where, const claimed_identities &of);

// The same for a row on its way through the triggers; old_row is null for an insert. Raises 23505.
void require_free_identities(const schema::table_catalog &where, const customer_row *old_row, const customer_row &row);

} // namespace mega::ledger
