// Exact decimals with six places, the numbers of the preference fold.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

class decimal {
public:
    constexpr decimal() noexcept = default; // 0

    static constexpr decimal from_micros(std::int64_t micros) noexcept { return decimal(micros); }

    // Takes the text of a JSON number, exponent allowed, and rounds it to six places, halves away from zero. nullopt
    // if the text is no JSON number or the value lies beyond ±9.2 × 10^12. Time linear in the text. Never raises.
    static std::optional<decimal> parse(std::string_view json_number) noexcept;

    constexpr std::int64_t micros() const noexcept { return micros_; }

    // The sum, nullopt if it does not fit. Never raises.
    static std::optional<decimal> sum(decimal a, decimal b) noexcept;

    // The same with the other sign; nullopt for the one value that has none.
    std::optional<decimal> negated() const noexcept;

    // The shortest way of writing it: "2.8", "-999", "0".
    std::string text() const;

    friend constexpr auto operator<=>(const decimal &, const decimal &) noexcept = default;

private:
    explicit constexpr decimal(std::int64_t micros) noexcept : micros_(micros) {}

    std::int64_t micros_ = 0;
};

} // namespace mega::core
