// What differs between the supported versions of Postgres, in one place.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

} // namespace pg
