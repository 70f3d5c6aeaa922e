// A JSON value as a tree, the form in which documents pass between Postgres' jsonb and the rules.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mega::core {

struct json {
    enum class kind { null, boolean, number, string, array, object };

    using items = std::vector<json>;
    using members = std::vector<std::pair<std::string, json>>;

    json() = default; // null

    static json make_boolean(bool value) { return json(storage(std::in_place_index<1>, value)); }

    // Takes the number's decimal text, kept as it is: a double would lose digits.
    static json make_number(std::string text) { return json(storage(std::in_place_index<2>, std::move(text))); }
    static json make_string(std::string text) { return json(storage(std::in_place_index<3>, std::move(text))); }
    static json make_array(items values = {}) { return json(storage(std::in_place_index<4>, std::move(values))); }

    // Takes the members in the order in which they are to be written; keys are expected once each.
    static json make_object(members values = {}) { return json(storage(std::in_place_index<5>, std::move(values))); }

    kind type() const noexcept { return static_cast<kind>(value_.index()); }
    bool is_null() const noexcept { return type() == kind::null; }
    bool is_boolean() const noexcept { return type() == kind::boolean; }
    bool is_number() const noexcept { return type() == kind::number; }
    bool is_string() const noexcept { return type() == kind::string; }
    bool is_array() const noexcept { return type() == kind::array; }
    bool is_object() const noexcept { return type() == kind::object; }

    // The content of a value of that kind; std::bad_variant_access for a value of another kind.
    bool boolean() const { return std::get<1>(value_); }
    const std::string &number() const { return std::get<2>(value_); }
    const std::string &string() const { return std::get<3>(value_); }
    const items &array() const { return std::get<4>(value_); }
    items &array() { return std::get<4>(value_); }
    const members &object() const { return std::get<5>(value_); }
    members &object() { return std::get<5>(value_); }

    // The member of that key; nullptr if there is none or the value is no object.
    const json *find(std::string_view key) const noexcept {
        const auto *object_members = std::get_if<5>(&value_);
        if (!object_members)
            return nullptr;
        for (const auto &[name, value] : *object_members)
            if (name == key)
                return &value;
        return nullptr;
    }

    // Equal kinds and equal content; numbers by their text, objects in their order.
    friend bool operator==(const json &a, const json &b) { return a.value_ == b.value_; }

private:
    // The index is the kind; number and string share a type, so alternatives are named by index only.
    using storage = std::variant<std::monostate, bool, std::string, std::string, items, members>;

    explicit json(storage value) : value_(std::move(value)) {}

    storage value_;
};

} // namespace mega::core
