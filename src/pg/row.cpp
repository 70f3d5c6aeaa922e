// Takes a tuple apart and puts a changed one together.
#include "pg/row.hpp"

namespace pg {

row::row(TupleDesc shape) : tuple_(nullptr), shape_(shape) {
    call([this] {
        const auto width = static_cast<std::size_t>(shape_->natts);
        values_ = static_cast<Datum *>(palloc0(width * sizeof(Datum)));
        nulls_ = static_cast<bool *>(palloc(2 * width * sizeof(bool)));
        replaced_ = nulls_ + width;
        std::memset(nulls_, 1, width * sizeof(bool));
        std::memset(replaced_, 0, width * sizeof(bool));
    });
}

row::row(HeapTuple tuple, TupleDesc shape) : row(shape) {
    tuple_ = tuple;
    call([this] { heap_deform_tuple(tuple_, shape_, values_, nulls_); });
}

namespace {

// Whether both were moved out of their rows, and to the same place: most columns of most updates, told without fetching
// them from there.
bool same_place(Datum left, Datum right) noexcept {
    const auto *a = reinterpret_cast<const char *>(left), *b = reinterpret_cast<const char *>(right);
    return VARATT_IS_EXTERNAL_ONDISK(a) && VARATT_IS_EXTERNAL_ONDISK(b) && std::memcmp(a, b, VARSIZE_EXTERNAL(a)) == 0;
}

} // namespace

void row::set(AttrNumber column, nullable_datum value) {
    const auto i = static_cast<std::size_t>(column - 1);
    values_[i] = value.value;
    nulls_[i] = value.is_null;
    replaced_[i] = true;
    any_replaced_ = true;
}

AttrNumber row::first_set(AttrNumber except) const {
    for (int i = 0; i < shape_->natts; ++i)
        if (replaced_[i] && i + 1 != except)
            return static_cast<AttrNumber>(i + 1);
    return 0;
}

HeapTuple row::changed() const {
    if (!any_replaced_)
        return tuple_;
    return call([this] { return heap_modify_tuple(tuple_, shape_, values_, nulls_, replaced_); });
}

bool row::same(const row &left, const row &right, AttrNumber column) {
    const nullable_datum a = left.get(column);
    const nullable_datum b = right.get(column);
    if (a.is_null || b.is_null)
        return a.is_null == b.is_null;
    const FormData_pg_attribute *type = TupleDescAttr(left.shape_, column - 1);
    if (type->attlen == -1 && same_place(a.value, b.value))
        return true;
    return call([&] { return datum_image_eq(a.value, b.value, type->attbyval, type->attlen); });
}

} // namespace pg
