// JSON as text, for tests and fuzz targets only: in the database, jsonb does this.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace mega::test {

// Reads one JSON value with nothing behind it; what jsonb would refuse (\u0000, half a surrogate pair, control
// characters in strings) and more than 64 levels are nullopt. Of keys that come twice both are kept.
class json_reader {
public:
    static std::optional<core::json> read(std::string_view text) {
        json_reader reader(text);
        auto value = reader.read_value(0);
        reader.skip_space();
        return reader.text_.empty() ? value : std::nullopt;
    }

private:
    explicit json_reader(std::string_view text) : text_(text) {}

    void skip_space() {
        const std::size_t begin = text_.find_first_not_of(" \t\r\n");
        text_.remove_prefix(begin == std::string_view::npos ? text_.size() : begin);
    }

    bool take(std::string_view word) {
        skip_space();
        if (!text_.starts_with(word))
            return false;
        text_.remove_prefix(word.size());
        return true;
    }

    std::optional<core::json> read_value(int depth) {
        if (depth > 64)
            return std::nullopt;
        if (take("null"))
            return core::json();
        if (take("true"))
            return core::json::make_boolean(true);
        if (take("false"))
            return core::json::make_boolean(false);
        if (take("["))
            return read_array(depth);
        if (take("{"))
            return read_object(depth);
        if (take("\"")) {
            auto text = read_string();
            return text ? std::optional(core::json::make_string(std::move(*text))) : std::nullopt;
        }
        return read_number();
    }

    std::optional<core::json> read_array(int depth) {
        core::json::items items;
        if (take("]"))
            return core::json::make_array();
        do {
            auto item = read_value(depth + 1);
            if (!item)
                return std::nullopt;
            items.push_back(std::move(*item));
        } while (take(","));
        return take("]") ? std::optional(core::json::make_array(std::move(items))) : std::nullopt;
    }

    std::optional<core::json> read_object(int depth) {
        core::json::members members;
        if (take("}"))
            return core::json::make_object();
        do {
            if (!take("\""))
                return std::nullopt;
            auto key = read_string();
            if (!key || !take(":"))
                return std::nullopt;
            auto value = read_value(depth + 1);
            if (!value)
                return std::nullopt;
            members.emplace_back(std::move(*key), std::move(*value));
        } while (take(","));
        return take("}") ? std::optional(core::json::make_object(std::move(members))) : std::nullopt;
    }

    // Takes more than JSON's numbers: what is none of them is for decimal to refuse.
    std::optional<core::json> read_number() {
        const std::size_t end = text_.find_first_not_of("0123456789+-.eE");
        std::string number(text_.substr(0, end));
        text_.remove_prefix(number.size());
        return number.empty() ? std::nullopt : std::optional(core::json::make_number(std::move(number)));
    }

    std::optional<unsigned> read_hex4() {
        unsigned value = 0;
        for (int i = 0; i < 4; ++i) {
            const std::string_view digits = "0123456789abcdef";
            if (text_.empty())
                return std::nullopt;
            const char c = text_[0] >= 'A' && text_[0] <= 'F' ? static_cast<char>(text_[0] + 32) : text_[0];
            const std::size_t digit = digits.find(c);
            if (digit == std::string_view::npos)
                return std::nullopt;
            value = value * 16 + static_cast<unsigned>(digit);
            text_.remove_prefix(1);
        }
        return value;
    }

    bool read_unicode_escape(std::string &out) {
        auto point = read_hex4();
        if (!point || *point == 0 || (*point >= 0xDC00 && *point <= 0xDFFF))
            return false;
        if (*point >= 0xD800 && *point <= 0xDBFF) {
            if (!text_.starts_with("\\u"))
                return false;
            text_.remove_prefix(2);
            const auto low = read_hex4();
            if (!low || *low < 0xDC00 || *low > 0xDFFF)
                return false;
            *point = 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00);
        }
        const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((*point >> shift) & 0x3F)); };
        if (*point < 0x80) {
            out += static_cast<char>(*point);
        } else if (*point < 0x800) {
            out += static_cast<char>(0xC0 | (*point >> 6));
            tail(0);
        } else if (*point < 0x10000) {
            out += static_cast<char>(0xE0 | (*point >> 12));
            tail(6);
            tail(0);
        } else {
            out += static_cast<char>(0xF0 | (*point >> 18));
            tail(12);
            tail(6);
            tail(0);
        }
        return true;
    }

    std::optional<std::string> read_string() {
        std::string out;
        while (!text_.empty()) {
            const char c = text_[0];
            text_.remove_prefix(1);
            if (c == '"')
                return out;
            if (static_cast<unsigned char>(c) < 0x20)
                return std::nullopt;
            if (c != '\\') {
                out += c;
                continue;
            }
            if (text_.empty())
                return std::nullopt;
            const char escape = text_[0];
            text_.remove_prefix(1);
            constexpr std::string_view codes = "\"\\/bfnrt";
            constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
            if (const std::size_t at = codes.find(escape); at != std::string_view::npos)
                out += meant[at];
            else if (escape != 'u' || !read_unicode_escape(out))
                return std::nullopt;
        }
        return std::nullopt;
    }

    std::string_view text_;
};

inline std::string write_string(std::string_view s) {
    std::string out = "\"";
    for (char c : s) {
        constexpr char digits[] = "0123456789abcdef";
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (static_cast<unsigned char>(c) < 0x20)
            ((out += "\\u00") += digits[c >> 4]) += digits[c & 15];
        else
            out += c;
    }
    return out + '"';
}

// Without any space, members in their order.
inline std::string write_json(const core::json &value) {
    std::string out;
    switch (value.type()) {
    case core::json::kind::null:
        return "null";
    case core::json::kind::boolean:
        return value.boolean() ? "true" : "false";
    case core::json::kind::number:
        return value.number();
    case core::json::kind::string:
        return write_string(value.string());
    case core::json::kind::array:
        for (const auto &item : value.array())
            (out += out.empty() ? "" : ",") += write_json(item);
        return '[' + out + ']';
    case core::json::kind::object:
        for (const auto &[key, member] : value.object())
            ((out += out.empty() ? "" : ",") += write_string(key) + ':') += write_json(member);
        return '{' + out + '}';
    }
    return out;
}

} // namespace mega::test
