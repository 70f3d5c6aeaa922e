// Makes the row or the rows that a function returns.
#include "pg/result.hpp"

namespace pg {

namespace {

struct column_arrays {
    std::vector<Datum> values;
    std::unique_ptr<bool[]> nulls;

    explicit column_arrays(std::span<const nullable_datum> columns)
        : values(columns.size()), nulls(new bool[columns.size()]) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            values[i] = columns[i].value;
            nulls[i] = columns[i].is_null;
        }
    }
};

void require_width(TupleDesc shape, std::size_t width) {
    if (shape == nullptr || shape->natts != static_cast<int>(width))
        throw sql_error{"XX000", "the function is declared with other columns than it returns", {}, {}};
}

// What the function is declared to return. Who calls it in FROM has that at hand; to make it of the declaration again
// costs as much as a look through an index.
TupleDesc shape_of_result(FunctionCallInfo fcinfo) {
    const auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (info != nullptr && IsA(info, ReturnSetInfo) && info->expectedDesc != nullptr &&
        info->expectedDesc->tdtypeid == RECORDOID)
        return info->expectedDesc;
    const Oid function = fcinfo->flinfo->fn_oid;
    if (!call([function] { return SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function)); }))
        throw sql_error{"42883", "the function was dropped while it ran", {}, {}}; // by a trigger of somebody's
    return call([fcinfo] {
        TupleDesc found = nullptr;
        return get_call_result_type(fcinfo, nullptr, &found) == TYPEFUNC_COMPOSITE ? found : nullptr;
    });
}

} // namespace

Datum return_columns(FunctionCallInfo fcinfo, std::span<const nullable_datum> columns) {
    TupleDesc shape = shape_of_result(fcinfo);
    require_width(shape, columns.size());
    column_arrays arrays(columns);
    return call([shape, &arrays] {
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), arrays.values.data(), arrays.nulls.get()));
    });
}

void row_set::add_columns(std::span<const nullable_datum> columns) {
    require_width(info_->setDesc, columns.size());
    column_arrays arrays(columns);
    call([this, &arrays] {
        tuplestore_putvalues(info_->setResult, info_->setDesc, arrays.values.data(), arrays.nulls.get());
    });
}

} // namespace pg
