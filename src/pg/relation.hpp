// Relations by name, and the positions of their columns. Nothing is remembered here: what may be kept is kept by the
// callers, who watch for invalidations.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Raises 42883 when the function is gone: a call holds no lock on what is called.
inline Oid schema_of_function(Oid function) {
    const Oid schema = call([function] { return get_func_namespace(function); });
    if (schema == InvalidOid)
        throw sql_error{"42883", "the function was dropped while it was called", {}, {}};
    return schema;
}

inline Oid relation_named(const char *name, Oid schema) {
    return call([name, schema] { return get_relname_relid(name, schema); });
}

// An open relation; raises 40001 when it was dropped since it was found. close() keeps the lock until the end of the
// transaction; after an error the resource owner closes.
class relation {
public:
    relation(Oid id, LOCKMODE lock) : relation_(call([id, lock] { return try_table_open(id, lock); })) {
        if (relation_ == nullptr)
            throw sql_error{"40001", "a table was dropped while it was looked for", {}, "Try again."};
    }
    relation(const relation &) = delete;
    relation &operator=(const relation &) = delete;

    Relation get() const { return relation_; }
    void close() {
        call([this] { table_close(relation_, NoLock); });
        relation_ = nullptr;
    }

private:
    Relation relation_;
};

// The attribute number of a column, 0 when there is none.
inline AttrNumber attribute_of(TupleDesc shape, const char *name) noexcept {
    for (int i = 0; i < shape->natts; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(shape, i);
        if (!column->attisdropped && std::strcmp(NameStr(column->attname), name) == 0)
            return column->attnum;
    }
    return 0;
}

// How Postgres computes the column, as pg_attribute.attgenerated has it; '\0' for one that it does not, or that is not
// there.
inline char generation_of(TupleDesc shape, const char *column) noexcept {
    const AttrNumber at = attribute_of(shape, column);
    return at == 0 ? '\0' : TupleDescAttr(shape, at - 1)->attgenerated;
}
inline constexpr char virtual_column = 'v'; // from PostgreSQL 18 on

// Whether the column is declared NOT NULL: no new row has NULL there. Of rows that are there has_no_null tells
// (pg/version.hpp).
inline bool bars_null(TupleDesc shape, AttrNumber column) noexcept {
    return TupleDescAttr(shape, column - 1)->attnotnull;
}

} // namespace pg
