// A generation under its lock.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::studio {

// They are read and written in this order.
inline constexpr auto &writable = ledger::changeable_columns;
inline constexpr std::size_t writable_count = std::size(writable);

class locked_generation {
public:
    // Locks the generation's row FOR NO KEY UPDATE and reads it as it stands behind the lock. id: bare, or with its
    // prefix. Raises MG003 when there is none, 23514 when pass_id is given and is not its customer's.
    locked_generation(ledger::store &store, std::string_view id, std::optional<std::string_view> pass_id);

    const std::string &id() const { return id_; } // bare
    const std::string &mg_id() const { return mg_id_; }
    std::optional<std::string_view> pass_id() const { return pass_id_; }
    std::optional<std::string_view> text(schema::ledger column) const;
    std::optional<pg::jsonb> json(schema::ledger column) const;
    bool is_deleted() const { return !columns_[index_of(schema::ledger::mg_deleted_at)].is_null; }
    bool has_error() const; // whether mg_error says anything

    template <class Value> void set(schema::ledger column, const Value &value) {
        columns_[index_of(column)] = pg::to_datum(value);
        changed_ = true;
    }

    bool was_set() const { return changed_; } // since it was read

    // Writes what was set; nothing when nothing was.
    void write(ledger::store &store) const;

    // Reads it again behind a write, or where code of somebody else's ran: checks and triggers change more than was
    // set. Raises MG003 when it is gone.
    void look_again(ledger::store &store);

    // mg_mma_status as it stands behind the write: a trigger of somebody else may have moved it on.
    std::optional<std::string> status_to_tell(ledger::store &store) const;

private:
    void require(ledger::store &store);
    bool read(ledger::store &store); // false when there is no such generation
    static std::size_t index_of(schema::ledger column);

    std::string id_;
    std::string mg_id_;
    std::optional<std::string> pass_id_;
    std::array<pg::nullable_datum, writable_count> columns_{};
    bool changed_ = false;
};

// There is no such generation: MG003. It is another customer's than the caller says: 23514.
[[noreturn]] void refuse_unknown_generation(std::string_view id);
[[noreturn]] void refuse_others_generation(std::string_view id, std::string_view pass_id);

// A bare generation id as an argument; raises 22023.
std::string_view read_generation_id(std::optional<std::string_view> given);

// The same of a session, which may be left out.
std::optional<std::string_view> read_session_id(std::optional<std::string_view> given);

// A mode or a status as an argument; raises 22023 for another word.
std::optional<std::string_view> read_mode(std::optional<std::string_view> given);
std::optional<std::string_view> read_status(std::optional<std::string_view> given);

// A URL as an argument; raises 22023 when it is blank and MG008 when it is not permanent.
void check_output_url(const char *name, std::string_view url);

} // namespace mega::studio
