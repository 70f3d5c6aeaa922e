// URLs that a text does not write out: without a scheme, or percent-encoded (I10).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mega::core {

// Finds them one after the other, in time linear in the text: a path before a query, as in the first line of a request;
// an encoded URL, as a form has it. What url_scanner finds is passed over.
class loose_scanner {
public:
    struct found {
        std::string_view word;
        std::size_t offset;
        bool encoded; // it is to be decoded first
    };

    explicit loose_scanner(std::string_view text) noexcept
        : text_(text), question_(text.find('?')), percent_(text.find('%')) {}

    // The next one, nullopt at the end.
    std::optional<found> next() noexcept;

private:
    std::optional<found> word_at(std::size_t mark) noexcept;

    std::string_view text_;
    std::size_t at_ = 0;             // where to look on
    std::size_t question_, percent_; // the next '?' and the next '%'; npos when there is none
};

// Whether there may be one in the text: false only when there is none. Never raises.
bool may_hold_loose_url(std::string_view text) noexcept;

} // namespace mega::core
