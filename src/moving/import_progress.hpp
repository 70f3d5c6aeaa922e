// How far an import is with a table.
#pragma once

#include "moving/legacy.hpp"
#include "pg/clock.hpp"
#include "pg/procedure.hpp"

namespace mega::moving {

// For whoever called and whoever watches.
class progress {
public:
    // left_out: rows that need not be read.
    progress(legacy table, std::uint64_t rows, std::uint64_t left_out)
        : name_(definition_of(table).name), rows_(rows + left_out), left_out_(left_out) {}

    void tell(std::uint64_t read, const pg::shown_activity &activity) const {
        const std::uint64_t done = left_out_ + read;
        const double seconds = std::max(1e-6, static_cast<double>(pg::clock_time().value - began_.value) / 1e6);
        const double rate = static_cast<double>(read) / seconds;
        const double left = read == 0 ? 0 : static_cast<double>(rows_ - done) / rate;
        const std::string share = std::to_string(rows_ == 0 ? 100 : done * 100 / rows_) + " %";
        activity.show("mega_import: " + name_ + " " + share);
        pg::tell("mega_import: " + name_ + ", " + std::to_string(done) + " of " + std::to_string(rows_) + " rows, " +
                 share + ", " + std::to_string(static_cast<std::int64_t>(rate)) + " rows/s, " +
                 std::to_string(static_cast<std::int64_t>(left)) + " s left");
    }

private:
    std::string name_;
    std::uint64_t rows_, left_out_;
    pg::timestamp began_ = pg::clock_time();
};

} // namespace mega::moving
