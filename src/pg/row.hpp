// A table's row in C++: its columns taken apart once, read and changed by attribute number.
#pragma once

#include "pg/datum.hpp"

namespace pg {

class row {
public:
    // tuple stays the caller's; shape must be its table's.
    row(HeapTuple tuple, TupleDesc shape);

    // A row that is no tuple yet: every column NULL.
    explicit row(TupleDesc shape);

    nullable_datum get(AttrNumber column) const {
        const auto i = static_cast<std::size_t>(column - 1);
        return {values_[i], nulls_[i] != 0};
    }
    bool is_null(AttrNumber column) const { return nulls_[static_cast<std::size_t>(column - 1)] != 0; }
    std::optional<std::string_view> text(AttrNumber column) const { return read(column, text_of); }
    std::optional<pg::jsonb> json(AttrNumber column) const { return read(column, jsonb_of); }
    std::optional<timestamp> time(AttrNumber column) const { return read(column, timestamp_of); }
    std::optional<pg::uuid> uuid(AttrNumber column) const { return read(column, uuid_of); }
    std::optional<std::int32_t> int4(AttrNumber column) const {
        return read(column, [](Datum value) { return DatumGetInt32(value); });
    }
    std::optional<bool> boolean(AttrNumber column) const {
        return read(column, [](Datum value) { return DatumGetBool(value); });
    }

    // Puts a value in a column of the copy that `changed` will make.
    void set(AttrNumber column, nullable_datum value);

    // The tuple as it came, or, when a column was set, a copy that carries the new values.
    HeapTuple changed() const;

    // The first column that was set, other than `except`; 0 when there is none.
    AttrNumber first_set(AttrNumber except) const;

    // Whether two rows of one shape have the same value in a column.
    static bool same(const row &left, const row &right, AttrNumber column);

    int width() const { return shape_->natts; }
    TupleDesc shape() const { return shape_; }

private:
    template <class Read>
    auto read(AttrNumber column, Read reader) const -> std::optional<std::invoke_result_t<Read, Datum>> {
        if (is_null(column))
            return std::nullopt;
        return reader(values_[static_cast<std::size_t>(column - 1)]);
    }

    HeapTuple tuple_;
    TupleDesc shape_;
    // palloc'd, so that a row needs no destructor of its own: it lives as long as the call.
    Datum *values_;
    bool *nulls_;
    bool *replaced_;
    bool any_replaced_ = false;
};

} // namespace pg
