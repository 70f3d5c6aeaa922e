// Legacy and mega side by side.
#pragma once

#include "moving/import_report.hpp"
#include "pg/spi.hpp"

namespace mega::moving {

// Rows of a day and type, counted on both sides by the ids of legacy. No day: their time had to be mended.
struct day_count {
    std::optional<std::int32_t> day; // as Postgres counts them
    std::string record_type;
    std::int64_t legacy, mega;
};
// What the rows of a table are called on both sides.
std::string type_name(legacy table);

std::vector<day_count> count_days(pg::spi_connection &spi, const legacy_schema &from, Oid schema);

// What differs in a sample of each table: the record type, and the column as legacy calls it.
struct sampled_difference {
    std::string record_type;
    difference what;
};
std::vector<sampled_difference> compare_sample(pg::spi_connection &spi, const legacy_schema &from, Oid schema,
                                               std::int32_t rows, std::int64_t seed);

// A connection that reads: the caller's.
class parity_call {
public:
    explicit parity_call(FunctionCallInfo fcinfo);

    const legacy_schema &from() const { return from_; }
    pg::spi_connection &spi() { return spi_; }
    Oid schema() const { return schema_; }

private:
    Oid schema_;
    legacy_schema from_;
    pg::spi_connection spi_;
};

} // namespace mega::moving
