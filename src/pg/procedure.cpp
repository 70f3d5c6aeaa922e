// Begins and ends the transactions of a procedure, and keeps what lives across them.
#include "pg/procedure.hpp"

#include "pg/own_lock.hpp"
#include "pg/settings.hpp"
#include "pg/version.hpp"

extern "C" {
#include <tcop/pquery.h>
}

namespace pg {

namespace {

constinit bool lock_is_held = false;
constinit bool watched = false;
constinit LOCKTAG lock_tag{};

void on_transaction_end(XactEvent event, void *) {
    if (event != XACT_EVENT_ABORT || !lock_is_held)
        return;
    lock_is_held = false;
    LockRelease(&lock_tag, ExclusiveLock, true);
}

constexpr setting plain[] = {{"TimeZone", "UTC"},
                             {"DateStyle", "ISO, YMD"},
                             {"IntervalStyle", "postgres"},
                             {"bytea_output", "hex"},
                             {"extra_float_digits", "1"},
                             {"row_security", "off"}, // rows that a policy hides would be missed in silence
                             {"jit", "off"},          // the compiler keeps tens of megabytes in the session for good
                             {"enable_mergejoin", "off"}}; // it would sort whole rows for what a table in memory does

} // namespace

bool may_commit(FunctionCallInfo fcinfo) noexcept {
    return fcinfo->context != nullptr && IsA(fcinfo->context, CallContext) &&
           !castNode(CallContext, fcinfo->context)->atomic;
}

procedure::procedure() {
    call([] { SPI_connect_ext(SPI_OPT_NONATOMIC); });
    commit();
}

void procedure::commit() {
    call([] {
        SPI_commit();
        XactIsoLevel = XACT_READ_COMMITTED; // before the first snapshot
        EnsurePortalSnapshotExists();
    });
}

void procedure::plan_anew() {
    call([] { ResetPlanCache(); });
}

void procedure::finish() {
    call([] { SPI_finish(); });
}

plain_reading::plain_reading() : level_(call([](inside in) { return set_in_scope(in, plain); })) {}

void plain_reading::end() {
    call([this] { AtEOXact_GUC(false, level_); });
}

rows executed_at_once(const std::string &query) {
    const int code = call([&query] { return SPI_execute(query.c_str(), true, 0); });
    if (code != SPI_OK_SELECT)
        throw sql_error{"XX000", "a query could not be executed", query, {}};
    return {SPI_tuptable, SPI_processed};
}

held_rows::held_rows(procedure &of, const std::string &query, std::span<const Oid> types,
                     std::span<const nullable_datum> values) {
    std::vector<Datum> data;
    std::string nulls;
    for (const nullable_datum &one : values) {
        data.push_back(one.value);
        nulls += one.is_null ? 'n' : ' ';
    }
    const plain_reading plainly; // until the commit
    portal_ = call([&]() -> Portal {
        SPIPlanPtr plan = SPI_prepare_cursor(query.c_str(), static_cast<int>(types.size()),
                                             const_cast<Oid *>(types.data()), CURSOR_OPT_SCROLL);
        if (plan == nullptr)
            return nullptr;
        Portal opened = SPI_cursor_open(nullptr, plan, data.data(), nulls.c_str(), true);
        if (opened != nullptr)
            PinPortal(opened);
        return opened;
    });
    if (portal_ == nullptr)
        throw sql_error{"XX000", "a cursor could not be opened", query, {}};
    of.commit();
}

std::uint64_t held_rows::count() const noexcept {
    return portal_->holdStore == nullptr ? 0 : static_cast<std::uint64_t>(tuplestore_tuple_count(portal_->holdStore));
}

rows held_rows::fetch(std::uint64_t most) {
    call([this, most] { SPI_cursor_fetch(portal_, true, static_cast<long>(most)); });
    fetched_ = SPI_tuptable;
    return {SPI_tuptable, SPI_processed};
}

void held_rows::free() {
    call([this] { SPI_freetuptable(fetched_); });
}

void held_rows::back_to(std::uint64_t position) {
    call([this, position] { SPI_scroll_cursor_move(portal_, FETCH_ABSOLUTE, static_cast<long>(position)); });
}

void held_rows::close() {
    call([this] {
        UnpinPortal(portal_);
        SPI_cursor_close(portal_);
    });
    portal_ = nullptr;
}

session_lock::session_lock(std::uint32_t kind, std::uint32_t number, const char *message, const char *hint) {
    const bool taken = call([kind, number] {
        if (!watched)
            RegisterXactCallback(on_transaction_end, nullptr);
        watched = true;
        const LOCKTAG wanted = own_lock(kind, number);
        if (lock_is_held || LockAcquire(&wanted, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
            return false;
        lock_tag = wanted;
        lock_is_held = true;
        return true;
    });
    if (!taken)
        throw sql_error{"55006", message, {}, hint};
}

void session_lock::release() {
    lock_is_held = false;
    call([] { LockRelease(&lock_tag, ExclusiveLock, true); });
}

} // namespace pg
