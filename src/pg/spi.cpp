#include "pg/spi.hpp"

namespace pg {

namespace {

constinit std::uint64_t generation = 1;

void on_namespace_change(Datum, int, uint32) { ++generation; }

void require_success(int code) {
    if (code < 0)
        throw sql_error{"XX000", "a statement could not be run", SPI_result_code_string(code), {}};
}

} // namespace

std::uint64_t namespace_generation() noexcept { return generation; }

void watch_namespaces() { CacheRegisterSyscacheCallback(NAMESPACEOID, on_namespace_change, 0); }

std::string with_schema_name(std::string_view text, Oid schema) {
    constexpr std::string_view placeholder = "@schema@";
    if (text.find(placeholder) == std::string_view::npos)
        return std::string(text);
    const char *name = call([schema]() -> const char * {
        const char *plain = get_namespace_name(schema);
        return plain == nullptr ? nullptr : quote_identifier(plain);
    });
    if (name == nullptr)
        throw sql_error{"3F000", "the schema of the extension is gone", {}, {}};
    std::string result;
    for (std::size_t at = 0;;) {
        const std::size_t next = text.find(placeholder, at);
        result.append(text.substr(at, next == std::string_view::npos ? next : next - at));
        if (next == std::string_view::npos)
            return result;
        result.append(name);
        at = next + placeholder.size();
    }
}

nullable_datum rows::column(std::uint64_t row, int column) const {
    if (table_ == nullptr || row >= table_->numvals)
        throw sql_error{"XX000", "a row was read that a statement did not return", {}, {}};
    nullable_datum value;
    value.value = call([this, row, column, &value] {
        return SPI_getbinval(table_->vals[row], table_->tupdesc, column + 1, &value.is_null);
    });
    return value;
}

SPIPlanPtr statement::plan(Oid schema) {
    if (plan_ != nullptr && schema_ == schema && generation_ == namespace_generation())
        return plan_;
    // An outdated plan may be in use further up the stack: it is left behind, not freed. Schemas are renamed rarely.
    const std::uint64_t seen = namespace_generation();
    const std::string text = with_schema_name(text_, schema);
    SPIPlanPtr fresh =
        call([this, &text] { return SPI_prepare_cursor(text.c_str(), width_, const_cast<Oid *>(types_), options_); });
    if (fresh == nullptr)
        throw sql_error{"XX000", "a statement could not be prepared", text, {}};
    SPI_keepplan(fresh);
    plan_ = fresh;
    schema_ = schema;
    generation_ = seen;
    return plan_;
}

void session::connect() {
    if (!connected_)
        call([] { SPI_connect(); });
    connected_ = true;
}

rows session::execute(statement &what, Oid schema, access how, std::span<const nullable_datum> bound,
                      std::uint64_t limit) {
    connect();
    SPIPlanPtr plan = what.plan(schema);
    std::array<Datum, FUNC_MAX_ARGS> values;
    std::array<char, FUNC_MAX_ARGS> nulls;
    if (static_cast<int>(bound.size()) != what.width() || bound.size() > values.size())
        throw sql_error{"XX000", "a statement was given another number of arguments than it takes", {}, {}};
    for (std::size_t i = 0; i < bound.size(); ++i) {
        values[i] = bound[i].value;
        nulls[i] = bound[i].is_null ? 'n' : ' ';
    }
    require_success(call([plan, how, limit, &values, &nulls] {
        if (how == access::latest && keeps_its_snapshot()) {
            CommandCounterIncrement(); // as foreign keys look for rows that others committed
            return SPI_execute_snapshot(plan, values.data(), nulls.data(), GetLatestSnapshot(), InvalidSnapshot, false,
                                        false, static_cast<long>(limit));
        }
        return SPI_execute_plan(plan, values.data(), nulls.data(), how == access::read_only, static_cast<long>(limit));
    }));
    return {SPI_tuptable, SPI_processed};
}

rows session::run_text(const std::string &command, access how) {
    connect();
    require_success(call([&command, how] { return SPI_execute(command.c_str(), how == access::read_only, 0); }));
    return {SPI_tuptable, SPI_processed};
}

jsonb session::copy_out(jsonb document) const {
    if (!connected_)
        return document;
    return {call([document] {
        const Size size = VARSIZE(document.document);
        auto *copy = static_cast<Jsonb *>(SPI_palloc(size));
        std::memcpy(copy, document.document, size);
        return copy;
    })};
}

void session::finish() {
    if (connected_)
        call([] { SPI_finish(); });
    connected_ = false;
}

} // namespace pg
