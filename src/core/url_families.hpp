// The ways in which storage services and delivery networks sign a URL (I10). One table, url_families.cpp, says what
// each of them needs; a word that stands there with others (token, policy, expires …) means nothing alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "url_parts.hpp"

namespace mega::core {

// What the parameters of one query, or of one segment of a path, make up. Never raises.
class family_match {
public:
    // The families that sign by the query of this URL.
    static family_match of_query(const url_parts &parts) noexcept;

    // The families that sign by a segment of the path: /bcdn_token=…&expires=…/.
    static family_match of_segment(std::string_view segment) noexcept;

    bool any() const noexcept { return families_ != 0; }

    // The first of them, as it is to be called, and the parameter of it that is the signature. '' if there is none.
    std::string_view family() const noexcept;
    std::string_view parameter() const noexcept;

    // True for a parameter whose value opens the resource: the signature of one of these families, its policy or token.
    bool is_secret(const query_parameter &parameter) const noexcept { return (atoms_of(parameter) & secrets_) != 0; }

private:
    static std::uint64_t atoms_of(const query_parameter &parameter) noexcept;
    void keep(std::uint64_t found, std::uint32_t places) noexcept;

    std::uint64_t families_ = 0; // a bit for each row of the table
    std::uint64_t secrets_ = 0;  // a bit for each parameter of theirs that is a secret
};

// True for the hosts on which Cloudflare Stream serves what a token in the path opens. Never raises.
bool is_stream_host(std::string_view authority) noexcept;

} // namespace mega::core
