// The person that mega_ensure_customer is asked for.
#pragma once

#include "identity/profile.hpp"

namespace mega::identity {

struct wanted {
    std::optional<std::string> pass_id;                   // in its canonical spelling
    std::optional<std::string> written;                   // as the caller gave it, where that is another spelling
    std::optional<std::string> shopify_id;                // given, or the one inside a pass:shopify: id
    std::optional<pg::uuid> user_id;                      // given, or the one inside a pass:user: id
    std::optional<pg::uuid> anon_id;                      // given, or the one inside a pass:anon: id
    bool shopify_id_given = false, user_id_given = false; // by themselves
    std::optional<std::string_view> email;
    std::vector<ledger::customer_change> about;

    // The pass id that a new customer gets. Raises 22023 when nobody can be told by it.
    std::string fresh_pass_id() const;

    // Whether the caller named this pass id, by itself or by an anonymous id.
    bool names(std::string_view other) const;

    // The pass ids by which the person may be known.
    using pass_id_list = std::array<std::optional<std::string>, 5>;
    pass_id_list pass_ids() const;

    // Those with a UUID, in capitals, as a table that was adopted may have them.
    pass_id_list pass_ids_in_capitals() const;
};

// Reads the arguments of mega_ensure_customer; raises 22023.
wanted read_wanted(const pg::arguments &given);

} // namespace mega::identity
