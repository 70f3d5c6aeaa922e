// mega_record_credits: many postings, all or none.
#include "core/pass_id.hpp"
#include "credits/posting_batch.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/prefixed.hpp"
#include "pg/result.hpp"

#include <array>

namespace mega::credits {

namespace {

[[noreturn]] void refuse(std::size_t position, const std::string &message, const std::string &detail = {}) {
    throw pg::sql_error{ledger::bad_argument, "entry " + std::to_string(position) + ": " + message, detail,
                        "Positions count from 1; nothing was written."};
}

std::string read_string(std::size_t position, std::string_view key, const pg::json_value &value) {
    if (!value.is_string())
        refuse(position, std::string(key) + " must be a string",
               std::string("It is of type ") + value.type_name() + ".");
    return std::string(value.string());
}

pg::timestamp read_time(std::size_t position, std::string_view key, const pg::json_value &value) {
    const std::string text = read_string(position, key, value);
    return pg::prefixed("entry " + std::to_string(position) + ": " + std::string(key),
                        [&text] { return pg::parse_time(text); });
}

// The first of them have to be there.
constexpr std::string_view members[] = {"pass_id", "delta",  "reason",     "source", "ref_type",
                                        "ref_id",  "txn_id", "expires_at", "meta",   "allow_negative"};
constexpr std::size_t needed = 3;

// Where it stands among the members.
std::size_t member_named(std::size_t position, std::string_view key) {
    const auto found = std::ranges::find(members, key);
    if (found == std::end(members))
        refuse(position, "there is no key " + pg::quoted(key), "Known are " + ledger::listed(members) + ".");
    return static_cast<std::size_t>(found - std::begin(members));
}

// key: a member's; what is null is as if it were not there.
void read_member(std::size_t position, std::string_view key, const pg::json_value &value, posting &entry) {
    constexpr std::pair<std::string_view, std::optional<std::string> posting::*> texts[] = {
        {"source", &posting::source}, {"ref_type", &posting::ref_type}, {"ref_id", &posting::ref_id}};
    const auto text = std::ranges::find(texts, key, [](const auto &one) { return one.first; });
    if (key == "pass_id") {
        entry.pass_id = read_string(position, key, value);
    } else if (key == "reason") {
        entry.reason = read_string(position, key, value);
    } else if (text != std::end(texts)) {
        entry.*(text->second) = read_string(position, key, value);
    } else if (key == "txn_id") {
        entry.txn_id = read_txn_id(read_string(position, key, value));
    } else if (key == "delta") {
        const auto delta = value.int4();
        if (!delta)
            refuse(position, "delta must be a whole number that fits an integer");
        entry.delta = *delta;
    } else if (key == "expires_at") {
        entry.expires_at = read_time(position, key, value);
    } else if (key == "meta") {
        if (!value.is_object())
            refuse(position, "meta must be a JSON object");
        entry.meta = pg::json_builder::document_of(value);
    } else {
        if (!value.is_boolean())
            refuse(position, "allow_negative must be true or false");
        entry.allow_negative = value.boolean();
    }
}

// Runs body and puts the entry's position in front of an error of ours, unless the transaction is to be tried again or
// there is none: that is no entry's fault.
template <class Position, class Body> auto at_position(Position position, Body body) {
    try {
        return body();
    } catch (const pg::sql_error &error) {
        const auto number = position();
        if (error.state == pg::sql_state{"40001"} || number == 0)
            throw;
        const std::string_view message = error.message.c_str();
        const std::string prefix = "entry " + std::to_string(number) + ": ";
        throw pg::sql_error{error.state,
                            message.starts_with("entry ") ? std::string(message) : prefix + error.message.c_str(),
                            error.detail, error.hint};
    }
}

posting read_entry(std::size_t position, const pg::json_value &value) {
    if (!value.is_object())
        refuse(position, "an entry must be a JSON object", std::string("It is of type ") + value.type_name() + ".");
    posting entry;
    entry.overdraft_hint = may_allow_negative;
    std::array<bool, std::size(members)> told{};
    pg::for_each_member(value.container(), [&](std::string_view key, const pg::json_value &member) {
        const std::size_t which = member_named(position, key);
        if (member.is_null())
            return;
        told[which] = true;
        read_member(position, key, member, entry);
    });
    for (std::size_t i = 0; i < needed; ++i)
        if (!told[i])
            refuse(position, std::string(members[i]) + " must not be NULL");
    check_posting(entry);
    return entry;
}

std::vector<posting> read_entries(pg::jsonb entries) {
    if (!pg::is_array(entries))
        throw pg::sql_error{ledger::bad_argument,
                            "entries must be a JSON array",
                            std::string("It is of type ") + pg::type_name(entries) + ".",
                            {}};
    std::vector<posting> read;
    pg::for_each_element(pg::root_of(entries), [&](const pg::json_value &value) {
        const std::size_t position = read.size() + 1;
        pg::check_for_interrupts();
        read.push_back(at_position([&] { return position; }, [&] { return read_entry(position, value); }));
    });
    return read;
}

// One customer has one place, by whatever pass ids he is named.
void resolve_customer(ledger::store &store, posting &entry) {
    const std::string_view meant = ledger::resolve_pass_id(store.where(), entry.pass_id);
    if (meant == entry.pass_id)
        return;
    if (core::canonical_pass_id(entry.pass_id) != meant) // it is no other spelling: he was merged
        entry.named_as = entry.pass_id;
    entry.pass_id.assign(meant);
}

// In byte order of pass id, so that customers are locked in order; a customer's entries stay in theirs.
std::vector<const posting *> by_customer(const std::vector<posting> &entries) {
    std::vector<const posting *> sorted;
    sorted.reserve(entries.size());
    for (const posting &entry : entries)
        sorted.push_back(&entry);
    std::ranges::stable_sort(sorted, {}, [](const posting *entry) -> const std::string & { return entry->pass_id; });
    return sorted;
}

// How many were written; the others were replays.
std::int32_t post_all(ledger::store &store, const std::vector<posting> &entries) {
    const std::vector<const posting *> sorted = by_customer(entries);
    posting_batch all(store);
    std::size_t under_way = 0;
    const auto position = [&] {
        return under_way == posting_batch::no_posting ? 0 : sorted[under_way] - entries.data() + 1;
    };
    at_position(position, [&] { all.add(sorted, under_way); });
    return all.write();
}

Datum record_credits(FunctionCallInfo fcinfo) {
    using in = arguments::record_credits;
    std::vector<posting> entries = read_entries(ledger::require("entries", pg::arguments(fcinfo).json(in::entries)));
    ledger::call call(fcinfo);
    for (posting &entry : entries)
        resolve_customer(call.store(), entry);
    const std::int32_t written = post_all(call.store(), entries);
    call.finish();
    return pg::return_row(fcinfo, written, static_cast<std::int32_t>(entries.size()) - written);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_record_credits, mega::credits::record_credits);
