// The name of a lot. A list of lots is read and copied with every spend of its customer: names of the usual length,
// mega's own UUIDs among them, take no memory of their own.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace mega::core {

class lot_name {
public:
    lot_name() = default;
    template <class Text>
    requires(std::convertible_to<const Text &, std::string_view> && !std::same_as<Text, lot_name>)
        lot_name(const Text &text) {
        const std::string_view name = text;
        if (name.size() > here_.size()) {
            elsewhere_ = name;
            return;
        }
        name.copy(here_.data(), name.size());
        size_ = static_cast<std::uint8_t>(name.size());
    }

    operator std::string_view() const noexcept {
        return elsewhere_.empty() ? std::string_view(here_.data(), size_) : std::string_view(elsewhere_);
    }
    bool empty() const noexcept { return std::string_view(*this).empty(); }

    template <class Text>
    requires std::convertible_to<const Text &, std::string_view>
    friend bool operator==(const lot_name &left, const Text &right) {
        return std::string_view(left) == std::string_view(right);
    }
    friend auto operator<=>(const lot_name &left, const lot_name &right) {
        return std::string_view(left) <=> std::string_view(right);
    }

private:
    std::array<char, 47> here_{};
    std::uint8_t size_ = 0;
    std::string elsewhere_; // a longer one
};

} // namespace mega::core
