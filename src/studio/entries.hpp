// The entries of a batch: objects whose members are a function's arguments. Positions count from 1 in errors.
#pragma once

#include "ledger/checked.hpp"
#include "pg/jsonb.hpp"
#include "pg/prefixed.hpp"

namespace mega::studio {

class entry {
public:
    entry(std::size_t position, const pg::json_value &value) : position_(position), object_(value.container()) {}

    std::size_t position() const { return position_; }

    // A member, std::nullopt when it is absent or null. Raises 22023 for another type, 22008 and its like for a time
    // that is none.
    std::optional<std::string> text(std::string_view key) const;
    std::optional<std::int32_t> number(std::string_view key) const;
    std::optional<pg::timestamp> time(std::string_view key) const;
    std::optional<pg::jsonb> document(std::string_view key) const; // of any type; null is absent
    void refuse_others(std::span<const std::string_view> known) const;

private:
    std::optional<pg::json_value> find(std::string_view key) const;
    [[noreturn]] void refuse_type(std::string_view key, const char *wanted, const pg::json_value &value) const;

    std::size_t position_;
    JsonbContainer *object_;
};

// Runs body and puts an entry's position in front of an error, ours or what a trigger said, unless the transaction is
// to be tried again: that is no entry's fault. position_of: whose it is by the error's DETAIL, std::nullopt for
// nobody's.
template <class PositionOf, class Body> auto at_entry_of(PositionOf position_of, Body body) {
    const auto prefix = [&](std::string_view detail) {
        const std::optional<std::size_t> position = position_of(detail);
        return position ? "entry " + std::to_string(*position) + ": " : "";
    };
    try {
        return pg::prefixed_by(prefix, body);
    } catch (const pg::sql_error &error) {
        if (error.state == pg::sql_state{"40001"})
            throw;
        throw pg::sql_error{error.state, prefix(error.detail.c_str()) + error.message.c_str(), error.detail,
                            error.hint};
    }
}

template <class Body> auto at_entry(std::size_t position, Body body) {
    return at_entry_of([position](std::string_view) { return std::optional(position); }, body);
}

// Calls read(entry) for every element of an array, in order. Raises 22023 when it is none, or one is no object.
template <class Read> void for_each_entry(const char *name, pg::jsonb entries, Read read) {
    if (!pg::is_array(entries))
        throw pg::sql_error{ledger::bad_argument,
                            std::string(name) + " must be a JSON array",
                            std::string("It is of type ") + pg::type_name(entries) + ".",
                            {}};
    std::size_t position = 0;
    pg::for_each_element(pg::root_of(entries), [&](const pg::json_value &value) {
        pg::check_for_interrupts();
        ++position;
        at_entry(position, [&] {
            if (!value.is_object())
                throw pg::sql_error{ledger::bad_argument, "an entry must be a JSON object",
                                    std::string("It is of type ") + value.type_name() + ".",
                                    "Positions count from 1; nothing was written."};
            read(entry(position, value));
        });
    });
}

} // namespace mega::studio
