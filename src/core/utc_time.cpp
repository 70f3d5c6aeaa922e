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

// The other way round.
std::int64_t day_number_of(const civil_date &date) noexcept {
    const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

std::int64_t number_in(std::string_view digits) noexcept {
    std::int64_t number = 0;
    for (const char digit : digits)
        number = number * 10 + (digit - '0');
    return number;
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

namespace {

constexpr std::string_view shape = "0000-00-00T00:00:00";

// Whether the text is of that shape, with a fraction or without, and `zone` behind it.
bool is_time(std::string_view text, std::string_view zone) noexcept {
    constexpr std::size_t most_fraction_digits = 6;
    if (text.size() < shape.size())
        return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (is_digit(shape[i]) ? !is_digit(text[i]) : text[i] != shape[i])
            return false;
    text.remove_prefix(shape.size());
    if (!text.ends_with(zone))
        return false;
    text.remove_suffix(zone.size());
    return text.empty() || (text.front() == '.' && text.size() > 1 && text.size() <= most_fraction_digits + 1 &&
                            std::ranges::all_of(text.substr(1), is_digit));
}

} // namespace

bool is_iso_utc(std::string_view text) noexcept { return is_time(text, "Z"); }

std::optional<std::int64_t> read_iso_utc(std::string_view text) noexcept {
    const bool short_zone = is_time(text, "Z");
    if (!short_zone && !is_time(text, "+00:00"))
        return std::nullopt;
    const auto number = [text](std::size_t at, std::size_t width) { return number_in(text.substr(at, width)); };
    const civil_date date{number(0, 4), number(5, 2), number(8, 2)};
    const std::int64_t hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    const std::int64_t days = day_number_of(date);
    const civil_date there = date_of(days);
    if (date.year < 1 || date.month < 1 || date.month > 12 || there.month != date.month || there.day != date.day ||
        hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    std::int64_t micros = 0;
    text.remove_suffix(short_zone ? 1 : 6);
    for (std::size_t i = shape.size() + 1, unit = micros_per_second / 10; i < text.size(); ++i, unit /= 10)
        micros += (text[i] - '0') * static_cast<std::int64_t>(unit);
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * micros_per_second + micros;
}

} // namespace mega::core
