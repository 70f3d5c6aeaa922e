// Customers who were erased: an import leaves their rows out, and what compares does not look for them.
#pragma once

#include "moving/legacy_sql.hpp"

namespace mega::moving {

class erased_people {
public:
    erased_people(pg::spi_connection &spi, Oid schema);

    // By the pass id of their row, or by one that a legacy key of theirs makes.
    bool has(std::string_view pass_id) const;

private:
    set_of_ids pass_ids_, digests_;
};

} // namespace mega::moving
