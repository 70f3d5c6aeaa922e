// What a function gives back to SQL: one composite row, or a set of rows.
#pragma once

#include "pg/datum.hpp"
#include "pg/spi.hpp"

namespace pg {

// The row of a function with OUT columns.
Datum return_columns(FunctionCallInfo fcinfo, std::span<const nullable_datum> columns);

template <class... Values> Datum return_row(FunctionCallInfo fcinfo, const Values &...values) {
    const std::array<nullable_datum, sizeof...(Values)> columns{to_datum(values)...};
    return return_columns(fcinfo, columns);
}

// The rows of a set-returning function, materialised in a tuplestore as they are added.
class row_set {
public:
    explicit row_set(FunctionCallInfo fcinfo) : info_(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo)) {
        // Whoever calls for a set has the columns at hand as a rule; to make them of the declaration again costs as
        // much as a look through an index.
        const bits32 flags = info_ != nullptr && info_->expectedDesc != nullptr ? MAT_SRF_USE_EXPECTED_DESC : 0;
        call([fcinfo, flags] { InitMaterializedSRF(fcinfo, flags); });
    }

    template <class... Values> void add(const Values &...values) {
        std::array<nullable_datum, sizeof...(Values)> columns{to_datum(values)...};
        add_columns(columns);
    }

    void add_columns(std::span<const nullable_datum> columns);

    // A row of a statement as it is.
    void add_row(const rows &found, std::uint64_t row) {
        std::vector<nullable_datum> columns(static_cast<std::size_t>(found.width()));
        for (int i = 0; i < found.width(); ++i)
            columns[static_cast<std::size_t>(i)] = found.column(row, i);
        add_columns(columns);
    }

private:
    ReturnSetInfo *info_;
};

} // namespace pg
