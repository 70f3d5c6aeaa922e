// Reads and writes lots in mega's own key of customers and rows.
#include "ledger/lots.hpp"

#include "ledger/customer_note.hpp"
#include "ledger/own_key.hpp"
#include "pg/clock.hpp"

namespace mega::ledger {

namespace {

constexpr std::string_view ends_key = "ends";
constexpr std::string_view ended_key = "ended";

std::optional<std::int64_t> number_of(const std::optional<pg::json_value> &value) {
    return value && value->is_number() ? core::whole_number(value->number()) : std::nullopt;
}

std::vector<pg::json_value> elements_of(const pg::json_value &array) {
    std::vector<pg::json_value> elements;
    pg::for_each_element(array.container(), [&](const pg::json_value &one) { elements.push_back(one); });
    return elements;
}

core::lot_changes changes_of(pg::jsonb meta, std::string_view key) {
    core::lot_changes changes;
    const auto stored = own_member(meta, key);
    if (!stored || !stored->is_array())
        return changes;
    for (const pg::json_value &one : elements_of(*stored)) {
        const auto parts = one.is_array() ? elements_of(one) : std::vector<pg::json_value>();
        const auto credits = parts.size() == 2 && parts[0].is_string() ? number_of(parts[1]) : std::nullopt;
        if (credits)
            changes.push_back({std::string(parts[0].string()), *credits});
    }
    return changes;
}

std::optional<std::string> text_of(pg::jsonb meta, std::string_view key) {
    const auto stored = own_member(meta, key);
    return stored && stored->is_string() ? std::optional(std::string(stored->string())) : std::nullopt;
}

void add_changes(pg::json_builder &builder, std::string_view key, const core::lot_changes &changes) {
    if (changes.empty())
        return;
    builder.key(key).begin_array();
    for (const core::lot_change &one : changes) {
        const pg::json_scalar row[] = {std::string_view(one.name), one.credits};
        builder.row(row);
    }
    builder.end_array();
}

void add_lots(pg::json_builder &builder, const core::open_lots &lots) {
    builder.begin_array();
    for (const core::lot &one : lots) {
        const pg::json_scalar row[] = {std::string_view(one.name), std::int64_t{one.left}, one.ends};
        builder.row(row);
    }
    builder.end_array();
}

} // namespace

core::open_lots open_lots_of(pg::jsonb meta) {
    const auto stored = own_member(meta, lots_key);
    if (!stored || !stored->is_array())
        return {};
    constexpr std::size_t width = 3;
    const auto read = pg::scalar_rows_of(stored->container(), width);
    if (!read)
        return {};
    core::open_lots lots;
    lots.reserve(read->size() / width);
    for (std::size_t i = 0; i < read->size(); i += width) {
        const pg::json_scalar &name = (*read)[i], &left = (*read)[i + 1], &ends = (*read)[i + 2];
        if (name.is_number || !left.is_number || !ends.is_number ||
            !core::add_stored(lots, name.text, left.number, ends.number))
            return {};
    }
    return lots;
}

bool says_open_lots(pg::jsonb meta, const core::open_lots &lots) {
    const auto stored = own_member(meta, lots_key);
    if (!stored)
        return lots.empty();
    return stored->is_array() && elements_of(*stored).size() == lots.size() && open_lots_of(meta) == lots;
}

// Kept by the customer himself: he may outlive the part of a call that has read him.
static void note_document(locked_customer &customer, pg::jsonb document, core::open_lots lots) {
    const auto *bytes = reinterpret_cast<const char *>(document.document);
    customer.meta =
        std::make_shared<const noted_meta>(noted_meta{{bytes, VARSIZE(document.document)}, std::move(lots)});
    customer.lots = shared_lots(customer.meta);
}

void note_meta(locked_customer &customer, pg::nullable_datum meta) {
    customer.meta.reset();
    customer.lots = {};
    if (meta.is_null || pg::has_no_member(meta.value))
        return;
    const pg::jsonb document = pg::jsonb_of(meta.value);
    note_document(customer, document, open_lots_of(document));
}

pg::jsonb meta_of(const locked_customer &customer) {
    if (!customer.meta)
        return pg::empty_object();
    return {reinterpret_cast<Jsonb *>(const_cast<char *>(customer.meta->document.data()))};
}

core::holdings holdings_of(const locked_customer &customer) {
    return {customer.credits, *customer.lots,
            customer.expires_at ? std::optional(pg::unix_micros(*customer.expires_at)) : std::nullopt};
}

core::holdings holdings_in(const pg::rows &found, std::uint64_t row, int first) {
    core::holdings has{found.int4(row, first).value_or(0), {}, std::nullopt};
    if (const auto end = found.time(row, first + 1))
        has.free_end = pg::unix_micros(*end);
    if (const auto meta = found.json(row, first + 2))
        has.lots = open_lots_of(*meta);
    return has;
}

pg::jsonb with_open_lots(pg::jsonb meta, const core::open_lots &lots) {
    return with_own_members(meta, {lots_key}, [&](pg::json_builder &builder) {
        if (!lots.empty())
            add_lots(builder.key(lots_key), lots);
    });
}

// The document where nothing but what is left of some lots is to change: most draws take from one of many.
static std::optional<pg::jsonb> with_less_left(const locked_customer &customer) {
    if (!customer.meta)
        return std::nullopt;
    const core::open_lots &stored = customer.meta->lots, &lots = *customer.lots;
    const auto same = [](const core::lot &left, const core::lot &right) {
        return left.ends == right.ends && left.name == right.name;
    };
    if (lots.empty() || !std::ranges::equal(stored, lots, same))
        return std::nullopt;
    const pg::jsonb made = pg::copy_of(meta_of(customer));
    const auto array = own_member(made, lots_key);
    for (std::size_t i = 0; i < lots.size(); ++i) {
        if (stored[i].left == lots[i].left)
            continue;
        const auto row = pg::element(array->container(), i);
        const auto left = row && row->is_array() ? pg::element(row->container(), 1) : std::nullopt;
        if (!left || !pg::overwrite(*left, lots[i].left))
            return std::nullopt;
    }
    return made;
}

std::optional<pg::jsonb> meta_behind(const locked_customer &before, const locked_customer &after) {
    if (before.lots == after.lots)
        return std::nullopt;
    const auto made = with_less_left(after);
    return made ? made : with_open_lots(meta_of(after), *after.lots);
}

void write_lots(store &store, locked_customer &customer, shared_lots lots) {
    locked_customer after = customer;
    after.lots = std::move(lots);
    const auto meta = meta_behind(customer, after);
    if (!meta)
        return;
    write_noted(store, customer, {}, *meta);
    note_document(customer, *meta, *after.lots);
}

void rewrite_lots(store &store, locked_customer &customer, const core::open_lots &lots) {
    const pg::jsonb meta = with_open_lots(meta_of(customer), lots);
    write_noted(store, customer, {}, meta);
    note_document(customer, meta, lots);
}

pg::jsonb lots_document(const core::open_lots &lots) {
    pg::json_builder builder;
    add_lots(builder, lots);
    return builder.finish();
}

pg::jsonb with_row_lots(pg::jsonb meta, std::optional<pg::jsonb> own, const row_lots &what) {
    const auto add = [&](pg::json_builder &builder) {
        if (what.ends)
            builder.key(ends_key).number(*what.ends);
        add_changes(builder, lots_key, what.lots);
        add_changes(builder, cover_key, what.cover);
    };
    // Not what the caller's document says.
    return own ? with_own_key(meta, pg::value_of(*own), {}, add) : with_own_key(meta, std::nullopt, {}, add);
}

bool says_of_lots(JsonbContainer *own) {
    return std::ranges::any_of(std::array{ends_key, lots_key, cover_key},
                               [&](std::string_view key) { return pg::find(own, key).has_value(); });
}

core::lot_facts lot_facts_of(std::string name, std::int64_t delta, std::optional<pg::jsonb> meta) {
    core::lot_facts facts;
    facts.name = std::move(name);
    facts.delta = delta;
    if (!meta)
        return facts;
    facts.ends = number_of(own_member(*meta, ends_key));
    facts.lots = changes_of(*meta, lots_key);
    facts.cover = changes_of(*meta, cover_key);
    facts.revoke_of = text_of(*meta, "revoke_of");
    facts.refund_of = text_of(*meta, "refund_of");
    return facts;
}

std::optional<std::int64_t> ended_of(pg::jsonb meta) { return number_of(own_member(meta, ended_key)); }

bool mark_ended(store &store, std::string_view name, std::int64_t credits, ItemPointerData place) {
    constexpr schema::ledger columns[] = {schema::ledger::mg_meta};
    const std::string mg_id = "credit_transaction:" + std::string(name);
    pg::nullable_datum value[1];
    if (!store.lock_row(mg_id, LockTupleNoKeyExclusive, columns, value, &place) || value[0].is_null)
        return false; // what is noted of it stands in no row: mega_reconcile_lots tells
    const pg::jsonb meta = pg::jsonb_of(value[0].value);
    const auto before = ended_of(meta);
    if (before && credits == 0)
        return false;
    const auto mark = [&](pg::json_builder &builder) { builder.key(ended_key).number(before.value_or(0) + credits); };
    store.note_in_row(mg_id, with_own_members(meta, {ended_key}, mark), place);
    return true;
}

} // namespace mega::ledger
