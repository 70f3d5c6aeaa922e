// Prepares, keeps and runs statements over a connection to SPI.
#include "pg/spi.hpp"

#include "pg/owners_terms.hpp"

namespace pg {

namespace {

// The schema that was asked for last. Many a change of the catalog brings news of namespaces, few bring another name.
constinit Oid named = InvalidOid;
constinit NameData its_name{};
constinit std::uint64_t generation = 0;
constinit bool has_news = true;

void on_namespace_change(Datum, int, uint32) { has_news = true; }

constinit statement::kept *outdated = nullptr;

// Puts a plan aside, and frees those that are not in use. In Postgres' world.
void put_aside(statement::kept *old) {
    if (old != nullptr)
        old->older = std::exchange(outdated, old);
    for (statement::kept **link = &outdated; *link != nullptr;) {
        statement::kept *one = *link;
        if (one->users > 0) {
            link = &one->older;
            continue;
        }
        *link = one->older;
        SPI_freeplan(one->plan);
        pfree(one);
    }
}

// A rule can make of a statement nothing at all. Then the plan depends on no table, and would not hear of the end of
// the rule.
bool says_nothing(SPIPlanPtr plan) noexcept {
    const List *sources = SPI_plan_get_plan_sources(plan);
    return sources != NIL && static_cast<const CachedPlanSource *>(linitial(sources))->query_list == NIL;
}

struct in_use {
    explicit in_use(statement::kept &what) noexcept : what(what) { ++what.users; }
    ~in_use() { --what.users; }
    in_use(const in_use &) = delete;
    in_use &operator=(const in_use &) = delete;

    statement::kept &what;
};

// What the planner is asked while this stands: an index instead of the whole table, where there is one, and nothing
// compiled for what it then believes to be dear.
class only_by_index {
public:
    only_by_index() : scans_(std::exchange(enable_seqscan, false)), compiles_(std::exchange(jit_enabled, false)) {}
    ~only_by_index() {
        enable_seqscan = scans_;
        jit_enabled = compiles_;
    }
    only_by_index(const only_by_index &) = delete;
    only_by_index &operator=(const only_by_index &) = delete;

private:
    bool scans_, compiles_;
};

bool has_plan(SPIPlanPtr plan) noexcept {
    const List *sources = SPI_plan_get_plan_sources(plan);
    const auto *source = static_cast<const CachedPlanSource *>(linitial(sources));
    return source->is_valid && source->gplan != nullptr && source->gplan->is_valid;
}

void require_success(int code) {
    if (code < 0)
        throw sql_error{"XX000", "a statement could not be run", SPI_result_code_string(code), {}};
}

} // namespace

std::uint64_t name_generation(Oid schema) {
    if (schema == InvalidOid)
        return 0;
    if (!has_news && named == schema)
        return generation;
    const Oid before = std::exchange(named, InvalidOid); // so it stays when this fails
    const bool there = call([schema, before] {
        has_news = false; // what comes in while the name is looked up counts
        char *name = get_namespace_name(schema);
        if (name == nullptr)
            return false;
        if (before != schema || std::strcmp(name, NameStr(its_name)) != 0)
            ++generation;
        namestrcpy(&its_name, name);
        pfree(name);
        return true;
    });
    if (!there)
        throw sql_error{"3F000", "the schema of the extension is gone", {}, {}};
    named = schema;
    return generation;
}

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

statement::kept *statement::prepare(Oid schema) const {
    const std::string text = with_schema_name(text_, schema);
    kept *fresh = call([this, &text]() -> kept * {
        SPIPlanPtr plan = SPI_prepare_cursor(text.c_str(), width_, const_cast<Oid *>(types_), options_);
        if (plan == nullptr)
            return nullptr;
        auto *made = static_cast<kept *>(MemoryContextAllocZero(CacheMemoryContext, sizeof(kept)));
        made->plan = plan;
        SPI_keepplan(plan);
        return made;
    });
    if (fresh == nullptr)
        throw sql_error{"XX000", "a statement could not be prepared", text, {}};
    return fresh;
}

statement::kept &statement::plan(Oid schema) {
    const std::uint64_t seen = name_generation(schema);
    prepared &one = prepared_[InNoForceRLSOperation() ? 1 : 0];
    if (one.plan == nullptr || one.generation != seen || says_nothing(one.plan->plan)) {
        kept *old = std::exchange(one.plan, prepare(schema));
        one.generation = seen;
        call([old] { put_aside(old); });
    }
    return *one.plan;
}

void statement::forget_plans() {
    for (prepared &one : prepared_) {
        kept *old = std::exchange(one.plan, nullptr);
        call([old] { put_aside(old); });
    }
}

void statement::make_plan(kept &what) const {
    if (options_ != CURSOR_OPT_GENERIC_PLAN || has_plan(what.plan))
        return;
    const only_by_index asked;
    call([&what] {
        if (CachedPlan *made = SPI_plan_get_cached_plan(what.plan); made != nullptr)
            ReleaseCachedPlan(made, CurrentResourceOwner);
    });
}

namespace {

// SPI leaves its own memory to be the current one behind whatever it does.
class memory_kept {
public:
    explicit memory_kept(bool kept) noexcept : before_(kept ? CurrentMemoryContext : nullptr) {}
    ~memory_kept() {
        if (before_ != nullptr)
            MemoryContextSwitchTo(before_);
    }
    memory_kept(const memory_kept &) = delete;
    memory_kept &operator=(const memory_kept &) = delete;

private:
    MemoryContext before_;
};

// The arguments as SPI takes them.
void spread(std::span<const nullable_datum> bound, std::size_t wanted, std::array<Datum, FUNC_MAX_ARGS> &values,
            std::array<char, FUNC_MAX_ARGS> &nulls) {
    if (bound.size() != wanted || wanted > values.size())
        throw sql_error{"XX000", "a statement was given another number of arguments than it takes", {}, {}};
    for (std::size_t i = 0; i < wanted; ++i) {
        values[i] = bound[i].value;
        nulls[i] = bound[i].is_null ? 'n' : ' ';
    }
}

} // namespace

void spi_connection::connect() {
    const memory_kept current(of_calls_ == memory::as_before);
    if (!connected_)
        call([] { SPI_connect(); });
    connected_ = true;
}

rows spi_connection::execute(statement &what, Oid schema, access how, std::span<const nullable_datum> bound,
                             std::uint64_t limit) {
    connect();
    const memory_kept current(of_calls_ == memory::as_before);
    owners_terms terms(schema);
    const in_use running(what.plan(schema));
    what.make_plan(running.what);
    std::array<Datum, FUNC_MAX_ARGS> values;
    std::array<char, FUNC_MAX_ARGS> nulls;
    spread(bound, static_cast<std::size_t>(what.width()), values, nulls);
    require_success(call([plan = running.what.plan, how, limit, &values, &nulls] {
        if (how == access::latest && keeps_its_snapshot()) {
            CommandCounterIncrement(); // as foreign keys look for rows that others committed
            return SPI_execute_snapshot(plan, values.data(), nulls.data(), GetLatestSnapshot(), InvalidSnapshot, false,
                                        false, static_cast<long>(limit));
        }
        return SPI_execute_plan(plan, values.data(), nulls.data(), how == access::read_only, static_cast<long>(limit));
    }));
    terms.end();
    return {SPI_tuptable, SPI_processed};
}

rows spi_connection::run_once(const std::string &text, std::span<const Oid> types,
                              std::span<const nullable_datum> bound, std::uint64_t limit) {
    connect();
    const memory_kept current(of_calls_ == memory::as_before);
    owners_terms terms(InvalidOid);
    std::array<Datum, FUNC_MAX_ARGS> values;
    std::array<char, FUNC_MAX_ARGS> nulls;
    spread(bound, types.size(), values, nulls);
    require_success(call([&] {
        return SPI_execute_with_args(text.c_str(), static_cast<int>(types.size()), const_cast<Oid *>(types.data()),
                                     values.data(), nulls.data(), false, static_cast<long>(limit));
    }));
    terms.end();
    return {SPI_tuptable, SPI_processed};
}

rows spi_connection::run_text(const std::string &command, access how) {
    connect();
    const memory_kept current(of_calls_ == memory::as_before);
    require_success(call([&command, how] { return SPI_execute(command.c_str(), how == access::read_only, 0); }));
    return {SPI_tuptable, SPI_processed};
}

jsonb spi_connection::copy_out(jsonb document) const {
    if (!connected_)
        return document;
    return {call([document] {
        const Size size = VARSIZE(document.document);
        auto *copy = static_cast<Jsonb *>(SPI_palloc(size));
        std::memcpy(copy, document.document, size);
        return copy;
    })};
}

void spi_connection::finish() {
    if (connected_)
        call([] { SPI_finish(); });
    connected_ = false;
}

} // namespace pg
