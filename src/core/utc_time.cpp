// Points in time written as text and read again.
#include "utc_time.hpp"

#include <algorithm>
#include <cstddef>

#include "ascii.hpp"

namespace mega::core {

namespace {

constexpr std::int64_t micros_per_second = 1000000;
constexpr std::int64_t seconds_per_day = 86400;

struct civil_date {
    std::int64_t year; // astronomical: 0 is 1 BC
    std::int64_t month;
    std::int64_t day;
};

// The proleptic Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin on 1 March.
civil_date date_of(std::int64_t day_number) noexcept {
    constexpr std::int64_t days_per_era = 146097;
    const std::int64_t shifted = day_number + 719468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - (days_per_era - 1)) / days_per_era;
    const std::int64_t day_of_era = shifted - era * days_per_era;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (days_per_era - 1)) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day};
}

std::string padded(std::int64_t value, std::size_t width) {
    std::string text = std::to_string(value);
    if (text.size() < width)
        text.insert(0, width - text.size(), '0');
    return text;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

} // namespace

std::string iso_utc(std::int64_t unix_micros) {
    const std::int64_t seconds = floor_divide(unix_micros, micros_per_second);
    const std::int64_t fraction = (unix_micros % micros_per_second + micros_per_second) % micros_per_second;
    const std::int64_t days = floor_divide(seconds, seconds_per_day);
    const std::int64_t second_of_day = seconds - days * seconds_per_day;

    const civil_date date = date_of(days);
    const bool before_christ = date.year <= 0;
    std::string text = padded(before_christ ? 1 - date.year : date.year, 4) + '-' + padded(date.month, 2) + '-' +
                       padded(date.day, 2) + 'T' + padded(second_of_day / 3600, 2) + ':' +
                       padded(second_of_day / 60 % 60, 2) + ':' + padded(second_of_day % 60, 2);
    if (fraction != 0) {
        text += '.' + padded(fraction, 6);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + (before_christ ? "Z BC" : "Z");
}

bool is_iso_utc(std::string_view text) noexcept {
    constexpr std::string_view shape = "0000-00-00T00:00:00";
    constexpr std::size_t most_fraction_digits = 6;
    if (text.size() < shape.size())
        return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (is_digit(shape[i]) ? !is_digit(text[i]) : text[i] != shape[i])
            return false;
    text.remove_prefix(shape.size());
    if (!text.ends_with('Z'))
        return false;
    text.remove_suffix(1);
    return text.empty() || (text.front() == '.' && text.size() > 1 && text.size() <= most_fraction_digits + 1 &&
                            std::ranges::all_of(text.substr(1), is_digit));
}

} // namespace mega::core
