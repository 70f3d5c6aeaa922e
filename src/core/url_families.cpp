// The table of signing services (I10), and the search for one in a URL's parameters.
#include "url_families.hpp"

#include <array>
#include <bit>
#include <cstddef>

#include "ascii.hpp"

namespace mega::core {

namespace {

// What the value of a parameter has to begin with, percent-decoded, to be one of the family.
enum class shape : std::uint8_t {
    any,
    number,        // 1700000000
    time_and_hex,  // 1700000000_5f0c2b…
    time_and_hash, // 1700000000-0-0-5f0c2b… (32 digits)
    account_token  // 3_20160803004041_53982a92…
};

// What the URL around has to look like.
enum class place : std::uint8_t {
    query,          // nothing more: the parameters stand in the query
    object_sign,    // … and the path is one of Supabase's for signed objects
    backblaze_host, // … and the host is one of Backblaze's
    path_segment    // the parameters stand in one segment of the path
};

struct part {
    std::string_view name{};
    shape value = shape::any;
    bool secret = false;
};

constexpr part with(std::string_view name, shape value = shape::any) { return {name, value, false}; }
constexpr part signature(std::string_view name, shape value = shape::any) { return {name, value, true}; }

struct family_row {
    std::string_view name;
    place where;
    std::array<part, 4> parts; // all have to be there, in any order and letter case
};

// FROZEN with is_permanent_url: nothing may be added or taken away. A name that only one provider uses suffices alone;
// general words need their family around them. Tokens that are JWTs are told by their content (json_web_token.hpp).
constexpr family_row families[] = {
    // Amazon S3 and what speaks its language: R2, B2, MinIO, Spaces, Wasabi
    {"Amazon S3", place::query, {signature("X-Amz-Signature")}},
    {"Amazon S3", place::query, {signature("X-Amz-Security-Token")}},
    {"Amazon S3 (version 2)", place::query, {signature("Signature"), with("AWSAccessKeyId"), with("Expires")}},
    {"Amazon CloudFront", place::query, {signature("Signature"), with("Key-Pair-Id"), with("Expires")}},
    {"Amazon CloudFront", place::query, {signature("Signature"), with("Key-Pair-Id"), signature("Policy")}},

    {"Google Cloud Storage", place::query, {signature("X-Goog-Signature")}},
    {"Google Cloud Storage (version 2)",
     place::query,
     {signature("Signature"), with("GoogleAccessId"), with("Expires")}},
    {"Google Cloud CDN", place::query, {signature("Signature"), with("KeyName"), with("Expires")}},

    {"Azure", place::query, {signature("sig"), with("se")}},
    {"Azure (stored policy)", place::query, {signature("sig"), with("sv"), with("si")}},

    // ByteDance: TOS of Volcengine and BytePlus (Seedream, Seedance), and its delivery network
    {"ByteDance TOS", place::query, {signature("X-Tos-Signature")}},
    {"ByteDance TOS", place::query, {signature("X-Tos-Security-Token")}},
    {"ByteDance CDN", place::query, {signature("x-signature"), with("x-expires", shape::number)}},

    {"Tencent COS", place::query, {signature("q-signature")}},
    {"Tencent COS", place::query, {signature("x-cos-security-token")}},

    {"Alibaba OSS", place::query, {signature("x-oss-signature")}},
    {"Alibaba OSS", place::query, {signature("x-oss-security-token")}},
    {"Alibaba OSS (version 1)", place::query, {signature("Signature"), with("OSSAccessKeyId"), with("Expires")}},
    {"Alibaba OSS (version 1)", place::query, {signature("security-token"), with("OSSAccessKeyId")}},
    {"Alibaba CDN", place::query, {signature("auth_key", shape::time_and_hash)}},

    {"Akamai", place::query, {signature("hdnts")}},
    {"Akamai", place::query, {signature("hdnea")}},
    {"Akamai", place::query, {signature("hdntl")}},
    {"Akamai", place::query, {signature("__token__")}},
    {"Akamai", place::path_segment, {signature("hdnts")}},
    {"Akamai", place::path_segment, {signature("hdnea")}},
    {"Akamai", place::path_segment, {signature("hdntl")}},

    {"Supabase", place::object_sign, {signature("token")}},

    {"Bunny", place::query, {signature("token"), with("expires", shape::number)}},
    {"Bunny", place::query, {signature("bcdn_token"), with("expires", shape::number)}},
    {"Bunny", place::path_segment, {signature("bcdn_token"), with("expires", shape::number)}},

    {"Fastly", place::query, {signature("token", shape::time_and_hex)}},

    {"Cloudflare Images", place::query, {signature("sig"), with("exp", shape::number)}},

    {"Backblaze B2", place::query, {signature("Authorization", shape::account_token)}},
    {"Backblaze B2", place::backblaze_host, {signature("Authorization")}},
};
constexpr std::size_t family_count = std::size(families);
static_assert(family_count <= 64);

// An atom is a name with a shape; each has a bit.
struct atom_table {
    std::array<part, 64> atoms{};
    std::size_t count = 0;
    std::uint64_t secrets = 0;
    std::array<std::uint64_t, family_count> needs{};
    std::array<std::uint64_t, 32> by_length{};

    constexpr std::size_t add(const part &wanted) {
        for (std::size_t i = 0; i < count; ++i)
            if (equal_ignoring_case(atoms[i].name, wanted.name) && atoms[i].value == wanted.value)
                return i;
        atoms[count] = wanted;
        by_length[wanted.name.size()] |= std::uint64_t{1} << count;
        return count++;
    }

    constexpr atom_table() {
        for (std::size_t f = 0; f < family_count; ++f)
            for (const part &wanted : families[f].parts)
                if (!wanted.name.empty()) {
                    const std::uint64_t bit = std::uint64_t{1} << add(wanted);
                    needs[f] |= bit;
                    secrets |= wanted.secret ? bit : 0;
                }
    }
};
constexpr atom_table table;

std::size_t take_digits(percent_reader &text) noexcept {
    std::size_t count = 0;
    for (; !text.done() && is_digit(text.peek()); text.skip())
        ++count;
    return count;
}

std::size_t take_hex(percent_reader &text) noexcept {
    std::size_t count = 0;
    for (; !text.done() && hex_value(text.peek()) >= 0; text.skip())
        ++count;
    return count;
}

bool take(percent_reader &text, char c) noexcept {
    if (text.done() || text.peek() != c)
        return false;
    text.skip();
    return true;
}

bool take_word(percent_reader &text) noexcept {
    bool any = false;
    for (; !text.done() && (is_digit(text.peek()) || (lower(text.peek()) >= 'a' && lower(text.peek()) <= 'z'));
         text.skip())
        any = true;
    return any;
}

bool is_unix_time(std::size_t digits) noexcept { return digits >= 9 && digits <= 13; }

// Where a value ends, or the text around goes on: behind a quote, a bracket and the like, or a letter of no URL. What
// may well be a part of the value (a date, a time, a file's name) is no end.
bool ends(const percent_reader &text, std::string_view value) noexcept {
    constexpr byte_set delimiters("\\'\"`()[]{}|<>,;*");
    return text.done() || delimiters.has(value[text.at()]) || static_cast<unsigned char>(value[text.at()]) >= 0x80;
}

// Any number that is all there is; before other text what may be a time.
bool is_number(std::size_t digits, const percent_reader &text, std::string_view value) noexcept {
    return text.done() ? digits > 0 : is_unix_time(digits) && ends(text, value);
}

bool has_shape(std::string_view value, shape wanted) noexcept {
    value = drop_end_punctuation(value); // what may belong to the text around is no part of the value
    percent_reader text(value);
    switch (wanted) {
    case shape::any:
        return true;
    case shape::number:
        return is_number(take_digits(text), text, value);
    case shape::time_and_hex:
        return is_unix_time(take_digits(text)) && take(text, '_') && take_hex(text) >= 4 && ends(text, value);
    case shape::time_and_hash:
        return is_unix_time(take_digits(text)) && take(text, '-') && take_word(text) && take(text, '-') &&
               take_word(text) && take(text, '-') && take_hex(text) == 32 && ends(text, value);
    case shape::account_token:
        return take_digits(text) > 0 && take(text, '_') && take_digits(text) > 0;
    }
    return false;
}

bool is_at_or_below(std::string_view authority, std::string_view domain) noexcept {
    const std::size_t port = authority.rfind(':');
    if (port != std::string_view::npos && authority.find(']', port) == std::string_view::npos)
        authority = authority.substr(0, port);
    if (authority.ends_with('.'))
        authority.remove_suffix(1);
    if (authority.size() < domain.size() ||
        !equal_ignoring_case(authority.substr(authority.size() - domain.size()), domain))
        return false;
    return authority.size() == domain.size() || authority[authority.size() - domain.size() - 1] == '.';
}

bool begins_with(std::string_view path, std::string_view words) noexcept {
    percent_reader text(path);
    for (char word : words) {
        if (text.done() || lower(text.peek()) != word)
            return false;
        text.skip();
    }
    return true;
}

// True when a path is one of Supabase's for signed objects; whatever stands before it, percent-decoded, without case.
bool is_object_sign_path(std::string_view path) noexcept {
    constexpr byte_set begins("/%");
    for (std::size_t at = begins.find(path); at < path.size(); at = begins.find(path, at + 1))
        for (std::string_view words : {"/object/sign/", "/render/image/sign/", "/object/upload/sign/"})
            if (begins_with(path.substr(at), words))
                return true;
    return false;
}

constexpr std::uint32_t bit_of(place p) noexcept { return std::uint32_t{1} << static_cast<unsigned>(p); }

// The families that these atoms make up, wherever they stand.
std::uint64_t complete(std::uint64_t atoms) noexcept {
    std::uint64_t found = 0;
    for (std::size_t f = 0; f < family_count; ++f)
        if ((atoms & table.needs[f]) == table.needs[f])
            found |= std::uint64_t{1} << f;
    return found;
}

} // namespace

std::uint64_t family_match::atoms_of(const query_parameter &parameter) noexcept {
    name_buffer buffer;
    const auto name = decode_name(parameter.name, buffer);
    if (!name || name->size() >= table.by_length.size())
        return 0;
    std::uint64_t atoms = 0;
    for (std::uint64_t left = table.by_length[name->size()]; left != 0; left &= left - 1) {
        const part &candidate = table.atoms[static_cast<std::size_t>(std::countr_zero(left))];
        if (equal_ignoring_case(*name, candidate.name) && has_shape(parameter.value, candidate.value))
            atoms |= left & (~left + 1);
    }
    return atoms;
}

void family_match::keep(std::uint64_t found, std::uint32_t places) noexcept {
    for (std::uint64_t left = found; left != 0; left &= left - 1) {
        const auto f = static_cast<std::size_t>(std::countr_zero(left));
        if ((places & bit_of(families[f].where)) == 0)
            continue;
        families_ |= std::uint64_t{1} << f;
        secrets_ |= table.needs[f] & table.secrets;
    }
}

family_match family_match::of_query(const url_parts &parts) noexcept {
    family_match match;
    std::uint64_t atoms = 0;
    std::string_view query = parts.query;
    while (const auto parameter = take_parameter(query))
        atoms |= atoms_of(*parameter);
    const std::uint64_t found = atoms == 0 ? 0 : complete(atoms);
    if (found == 0)
        return match;
    std::uint32_t places = bit_of(place::query);
    if (is_object_sign_path(parts.path))
        places |= bit_of(place::object_sign);
    if (is_at_or_below(parts.authority, "backblazeb2.com"))
        places |= bit_of(place::backblaze_host);
    match.keep(found, places);
    return match;
}

family_match family_match::of_segment(std::string_view segment) noexcept {
    family_match match;
    std::uint64_t atoms = 0;
    while (const auto parameter = take_parameter(segment))
        atoms |= atoms_of(*parameter);
    match.keep(complete(atoms), bit_of(place::path_segment));
    return match;
}

std::string_view family_match::family() const noexcept {
    return any() ? families[std::countr_zero(families_)].name : std::string_view();
}

std::string_view family_match::parameter() const noexcept {
    return any() ? families[std::countr_zero(families_)].parts[0].name : std::string_view();
}

bool is_stream_host(std::string_view authority) noexcept {
    return is_at_or_below(authority, "cloudflarestream.com") || is_at_or_below(authority, "videodelivery.net");
}

} // namespace mega::core
