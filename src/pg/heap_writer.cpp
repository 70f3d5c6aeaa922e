// The heap writer finds and locks rows: by an index, by a place, many texts at once.
#include "pg/heap_writer.hpp"

#include "pg/heap_writer_state.hpp"
#include "pg/relation.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

// Postgres was told of a function on the table that it never changes, and it runs SQL.
[[noreturn]] void throw_entered_again() {
    throw sql_error{
        "55006",
        "what a table of mega carries used it while it was being written",
        {},
        "A function on the table runs SQL though it is called immutable; SET mega.write_path = sql lets it."};
}

} // namespace

bool heap_writer::open(LOCKMODE lock) {
    if (is_in_use())
        throw_entered_again();
    lock_ = lock;
    Relation relation = nullptr;
    bool undecided = false;
    const bool taken = call([this, &relation, &undecided](inside in) {
        relation = try_table_open(relation_, lock_);
        if (relation == nullptr)
            return false; // dropped since it was looked at
        // The lock brought news, or an error left behind what access methods keep for the length of a statement.
        undecided = !is_decided() || (state_ != nullptr && !state_->closed);
        return !undecided && take(in, relation);
    });
    if (!undecided)
        return taken;
    decide_anew(relation);
    return call([this, relation](inside in) { return take(in, relation); });
}

bool heap_writer::take(inside, Relation relation) {
    if (!eligible_) {
        table_close(relation, NoLock);
        return false;
    }
    state_->closed = false;
    opened_in_ = GetCurrentSubTransactionId();
    entered_ = false;
    state_->relation = relation;
    state_->info->ri_RelationDesc = relation;
    std::fill_n(state_->info->ri_IndexRelationDescs, state_->indexes, nullptr);
    ResetPerTupleExprContext(state_->estate);
    return true;
}

void heap_writer::close() {
    call([this] {
        ExecClearTuple(state_->found);
        ExecClearTuple(state_->built);
        for (int i = 0; i < state_->indexes; ++i) {
            Relation index = state_->info->ri_IndexRelationDescs[i];
            if (index == nullptr)
                continue;
            finish_index_inserts(index, state_->info->ri_IndexRelationInfo[i]);
            index_close(index, NoLock);
        }
        table_close(state_->relation, NoLock);
        state_->closed = true;
        opened_in_ = InvalidSubTransactionId;
    });
    if (entered_)
        throw_entered_again();
}

pinned_shape heap_writer::shape() const {
    if (state_ == nullptr)
        throw sql_error{"40001", "a table of mega was changed while it was being written", {}, "Try again."};
    return {state_->shape, state_->pins};
}

bool heap_writer::has_index(std::size_t probed_index) const {
    return state_ != nullptr && state_->probed[probed_index] >= 0;
}

Relation heap_writer::open_index(inside, int i) {
    Relation &index = state_->info->ri_IndexRelationDescs[i];
    if (index == nullptr) {
        index = index_open(state_->index_ids[i], lock_);
        // GIN and GiST remember where the index's relcache entry was; with the news it may have moved.
        if (!is_decided())
            state_->info->ri_IndexRelationInfo[i]->ii_AmCache = nullptr;
    }
    return index;
}

void heap_writer::open_indexes(inside in) {
    for (int i = 0; i < state_->indexes; ++i)
        open_index(in, i);
}

bool heap_writer::find(std::size_t probed_index, std::span<const Datum> keys) {
    return scan(probed_index, keys, ForwardScanDirection);
}

bool heap_writer::find_last(std::size_t probed_index, std::span<const Datum> keys) {
    return scan(probed_index, keys, BackwardScanDirection);
}

struct heap_writer::range {
    Datum low, high;
};

IndexScanDesc heap_writer::begin_scan(inside in, std::size_t probed_index, std::span<const Datum> keys,
                                      const range *behind) {
    Relation index = open_index(in, state_->probed[probed_index]);
    ScanKeyData scan_keys[6];
    int count = 0;
    const auto add = [&](std::size_t i, StrategyNumber strategy, RegProcedure compare, Datum value) {
        ScanKeyEntryInitialize(&scan_keys[count++], 0, static_cast<AttrNumber>(i + 1), strategy, InvalidOid,
                               index->rd_indcollation[i], compare, value);
    };
    for (std::size_t i = 0; i < keys.size(); ++i)
        add(i, BTEqualStrategyNumber, index->rd_opcintype[i] == UUIDOID ? F_UUID_EQ : F_TEXTEQ, keys[i]);
    if (behind != nullptr) {
        add(keys.size(), BTGreaterEqualStrategyNumber, F_TEXT_GE, behind->low);
        add(keys.size(), BTLessEqualStrategyNumber, F_TEXT_LE, behind->high);
    }
    IndexScanDesc scan = begin_index_scan(state_->relation, index, GetActiveSnapshot(), count);
    scan->xs_want_itup = behind != nullptr;
    index_rescan(scan, scan_keys, count, nullptr, 0);
    return scan;
}

namespace {

// Marks those of the texts, in order, that the column of the entries of the scan has; all from where it gives up.
void mark_texts(inside, IndexScanDesc scan, int column, std::span<const std::string_view> texts,
                std::span<bool> found) {
    const std::size_t most = 2 * texts.size();
    std::size_t i = 0;
    for (std::size_t seen = 0; i < texts.size() && index_getnext_tid(scan, ForwardScanDirection) != nullptr; ++seen) {
        if (seen == most) {
            std::ranges::fill(found.subspan(i), true);
            return;
        }
        bool is_null;
        const Datum value = index_getattr(scan->xs_itup, column, scan->xs_itupdesc, &is_null);
        const text *entry = DatumGetTextPP(value); // not NULL: it is between two texts
        const std::string_view said(VARDATA_ANY(entry), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(entry)));
        while (i < texts.size() && texts[i] < said)
            ++i;
        for (; i < texts.size() && texts[i] == said; ++i)
            found[i] = true;
    }
}

} // namespace

void heap_writer::find_texts(std::size_t probed_index, std::span<const Datum> keys,
                             std::span<const std::string_view> texts, std::span<bool> found) {
    const range between{to_datum(texts.front()).value, to_datum(texts.back()).value};
    call([this, probed_index, keys, &between, texts, found](inside in) {
        const int column = static_cast<int>(keys.size());
        if (open_index(in, state_->probed[probed_index])->rd_indcollation[column] != C_COLLATION_OID) {
            std::ranges::fill(found, true);
            return;
        }
        IndexScanDesc scan = begin_scan(in, probed_index, keys, &between);
        mark_texts(in, scan, column + 1, texts, found);
        index_endscan(scan);
    });
}

bool heap_writer::scan(std::size_t probed_index, std::span<const Datum> keys, ScanDirection direction) {
    return call([this, probed_index, keys, direction](inside in) {
        IndexScanDesc scan = begin_scan(in, probed_index, keys);
        const bool exists = index_getnext_slot(scan, direction, state_->found);
        if (exists)
            ExecMaterializeSlot(state_->found);
        index_endscan(scan);
        return exists;
    });
}

std::int64_t heap_writer::sum(std::size_t probed_index, std::span<const Datum> keys, std::size_t column) {
    return call([this, probed_index, keys, column](inside in) {
        IndexScanDesc scan = begin_scan(in, probed_index, keys);
        std::int64_t total = 0;
        while (index_getnext_slot(scan, ForwardScanDirection, state_->found)) {
            CHECK_FOR_INTERRUPTS();
            bool is_null;
            const Datum value = slot_getattr(state_->found, state_->attributes[column], &is_null);
            total += is_null ? 0 : DatumGetInt32(value);
        }
        index_endscan(scan);
        return total;
    });
}

bool heap_writer::find_at(const ItemPointerData &place) {
    return call([this, &place] {
        ItemPointerData at = place;
        // The table may have become shorter since, or be another one.
        if (ItemPointerGetBlockNumber(&at) >= table_relation_size(state_->relation, MAIN_FORKNUM) / BLCKSZ)
            return false;
        return table_tuple_fetch_row_version(state_->relation, &at, GetActiveSnapshot(), state_->found);
    });
}

locked heap_writer::lock_found(LockTupleMode mode, LockWaitPolicy wait) {
    bool newer = false;
    const TM_Result result = call([this, mode, wait, &newer] {
        TM_FailureData failure;
        failure.traversed = false;
        ItemPointerData at = state_->found->tts_tid;
        const uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
                            (IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION);
        const TM_Result done = table_tuple_lock(state_->relation, &at, GetActiveSnapshot(), state_->found,
                                                GetCurrentCommandId(false), mode, wait, flags, &failure);
        newer = failure.traversed;
        return done;
    });
    if (result == TM_Ok)
        return newer ? locked::newer : locked::yes;
    if (result == TM_WouldBlock)
        return locked::skipped;
    if (result == TM_Deleted && !IsolationUsesXactSnapshot())
        return locked::absent;
    if (result == TM_Updated || result == TM_Deleted)
        throw_concurrent_update();
    throw_changed_by_itself();
}

nullable_datum heap_writer::column(std::size_t i) const {
    nullable_datum value;
    value.value =
        call([this, i, &value] { return slot_getattr(state_->found, state_->attributes[i], &value.is_null); });
    return value;
}

nullable_datum heap_writer::copy_of(std::size_t i) const {
    nullable_datum value;
    value.value = call([this, i, &value] {
        const AttrNumber number = state_->attributes[i];
        const Datum stored = slot_getattr(state_->found, number, &value.is_null);
        const auto *described = TupleDescAttr(state_->found->tts_tupleDescriptor, number - 1);
        return value.is_null ? stored : datumCopy(stored, described->attbyval, described->attlen);
    });
    return value;
}

ItemPointerData heap_writer::place() const { return state_->found->tts_tid; }

} // namespace pg
