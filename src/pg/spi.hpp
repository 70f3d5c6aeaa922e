// SQL from C++: statements that are prepared once per backend and kept, run inside a connection to SPI.
#pragma once

#include "pg/datum.hpp"

namespace pg {

// Counts up whenever the schema is found to have another name than the one that was asked for before it: texts that
// carry the name are stale then. 0 without a schema. Raises 3F000 when the schema is gone.
std::uint64_t name_generation(Oid schema);
void watch_namespaces(); // called once, when the library is loaded

// The rows of one execution. They live until the connection is finished.
class rows {
public:
    rows(SPITupleTable *table, std::uint64_t processed) : table_(table), processed_(processed) {}

    std::uint64_t count() const { return processed_; } // rows returned or written
    bool empty() const { return processed_ == 0; }
    int width() const { return table_->tupdesc->natts; }

    nullable_datum column(std::uint64_t row, int column) const; // column counts from 0
    std::optional<std::string_view> text(std::uint64_t row, int i) const { return get(row, i, text_of); }
    std::optional<pg::jsonb> json(std::uint64_t row, int i) const { return get(row, i, jsonb_of); }
    std::optional<timestamp> time(std::uint64_t row, int i) const { return get(row, i, timestamp_of); }
    std::optional<pg::uuid> uuid(std::uint64_t row, int i) const { return get(row, i, uuid_of); }
    std::optional<std::int32_t> int4(std::uint64_t row, int i) const {
        return get(row, i, [](Datum value) { return DatumGetInt32(value); });
    }
    std::optional<std::int64_t> int8(std::uint64_t row, int i) const {
        return get(row, i, [](Datum value) { return DatumGetInt64(value); });
    }
    std::optional<bool> boolean(std::uint64_t row, int i) const {
        return get(row, i, [](Datum value) { return DatumGetBool(value); });
    }
    ItemPointerData place(std::uint64_t row, int i) const { // of a ctid
        return *reinterpret_cast<ItemPointer>(DatumGetPointer(column(row, i).value));
    }

private:
    template <class Read>
    auto get(std::uint64_t row, int i, Read read) const -> std::optional<std::invoke_result_t<Read, Datum>> {
        const nullable_datum value = column(row, i);
        if (value.is_null)
            return std::nullopt;
        return read(value.value);
    }

    SPITupleTable *table_;
    std::uint64_t processed_;
};

// A statement whose plan is kept. Its text names the extension's schema as @schema@. To be declared constinit.
class statement {
public:
    template <std::size_t N>
    constexpr statement(const char *text, const Oid (&types)[N]) : text_(text), types_(types), width_(N) {}
    template <std::size_t N>
    constexpr statement(const char *text, const std::array<Oid, N> &types)
        : text_(text), types_(types.data()), width_(N) {}
    explicit constexpr statement(const char *text) : text_(text), types_(nullptr), width_(0) {}
    constexpr statement(const char *text, const Oid *types, int width) : text_(text), types_(types), width_(width) {}

    // The same, for reads of whole tables: its plan may use parallel workers.
    constexpr statement in_parallel() const {
        statement copy = *this;
        copy.options_ = CURSOR_OPT_PARALLEL_OK;
        return copy;
    }

    // The same, for rows that a key finds: the plan goes by it, however small the table is while the plan is made.
    constexpr statement by_key() const {
        statement copy = *this;
        copy.options_ = CURSOR_OPT_GENERIC_PLAN;
        return copy;
    }

    // A plan that is kept. One that is outdated while it runs further up the stack is freed after that.
    struct kept {
        SPIPlanPtr plan;
        int users;
        kept *older; // of those that are outdated
    };
    kept &plan(Oid schema);           // prepares it when it is not, or when the schema's name changed
    void make_plan(kept &what) const; // one that goes by the key, where that is asked for
    void forget_plans();              // it is prepared anew when it is wanted
    bool is_planned() const { return prepared_[0].plan != nullptr || prepared_[1].plan != nullptr; }
    int width() const { return width_; }

private:
    kept *prepare(Oid schema) const;

    const char *text_;
    const Oid *types_;
    int width_;
    int options_ = 0;
    // Plans for whom FORCE ROW LEVEL SECURITY holds, and for an owner whom it does not: Postgres plans anew for another
    // role, and takes no notice of that.
    struct prepared {
        kept *plan = nullptr;
        std::uint64_t generation = 0; // of the schema's name
    };
    prepared prepared_[2];
};

// Replaces @schema@ by the quoted name of the schema.
std::string with_schema_name(std::string_view text, Oid schema);

enum class access { read_only, read_write, latest };

// True above READ COMMITTED: the transaction sees what stood there when it began.
inline bool keeps_its_snapshot() noexcept { return IsolationUsesXactSnapshot(); }

// A connection to SPI, made when the first statement runs. finish() is called on success; after an error the end of the
// (sub)transaction cleans up.
class spi_connection {
public:
    // Whether what is allocated while it is connected goes where it went before, or with the connection.
    enum class memory { its_own, as_before };

    explicit spi_connection(memory of_calls = memory::its_own) noexcept : of_calls_(of_calls) {}
    spi_connection(const spi_connection &) = delete;
    spi_connection &operator=(const spi_connection &) = delete;

    // read_write sees its own earlier changes and takes a fresh snapshot in READ COMMITTED; read_only uses the
    // caller's snapshot. latest is read_write with a fresh snapshot under every isolation level: for what a lock
    // protects that does not change the locked row.
    template <class... Arguments> rows run(statement &what, Oid schema, access how, const Arguments &...arguments) {
        std::array<nullable_datum, sizeof...(Arguments)> bound{to_datum(arguments)...};
        return execute(what, schema, how, bound);
    }

    // Reads no more than `limit` rows; 0 reads all.
    template <class... Arguments>
    rows run_limited(statement &what, Oid schema, std::uint64_t limit, const Arguments &...arguments) {
        std::array<nullable_datum, sizeof...(Arguments)> bound{to_datum(arguments)...};
        return execute(what, schema, access::read_only, bound, limit);
    }

    rows execute(statement &what, Oid schema, access how, std::span<const nullable_datum> bound,
                 std::uint64_t limit = 0);

    // Runs a statement whose plan is not kept. limit as above.
    rows run_once(const std::string &text, std::span<const Oid> types, std::span<const nullable_datum> bound,
                  std::uint64_t limit = 0);

    // Runs a command that is not kept: DDL, which changes with every table it meets.
    rows run_text(const std::string &command, access how = access::read_write);

    void finish();

    // A copy of a document that outlives the connection: in the memory that was current when it began.
    jsonb copy_out(jsonb document) const;

    void connect(); // at once; otherwise the first statement does it

private:
    const memory of_calls_;
    bool connected_ = false;
};

} // namespace pg
