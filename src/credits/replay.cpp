// What is looked for before anything is refused: whether a posting was posted already, and says the same (I4).
#include "credits/posting.hpp"

#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "ledger/words.hpp"
#include "pg/jsonb.hpp"

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr column credit_row_columns[] = {column::mg_id,     column::mg_pass_id,  column::mg_delta,  column::mg_status,
                                         column::mg_reason, column::mg_ref_type, column::mg_ref_id, column::mg_meta};
using credit_row_values = std::array<pg::nullable_datum, std::size(credit_row_columns)>;

credit_row to_credit_row(const credit_row_values &values) {
    const auto text = [](pg::nullable_datum value) {
        return value.is_null ? std::string() : std::string(pg::text_of(value.value));
    };
    const auto optional = [&text](pg::nullable_datum value) {
        return value.is_null ? std::nullopt : std::optional(text(value));
    };
    credit_row row;
    row.mg_id = text(values[0]);
    row.pass_id = text(values[1]);
    row.delta = values[2].is_null ? 0 : DatumGetInt32(values[2].value);
    row.status = text(values[3]);
    row.reason = optional(values[4]);
    row.ref_type = optional(values[5]);
    row.ref_id = optional(values[6]);
    if (!values[7].is_null && !pg::has_no_member(values[7].value))
        row.meta = pg::jsonb_of(values[7].value);
    return row;
}

std::optional<credit_row> find_by_reference(ledger::store &store, const posting &what) {
    if (!ledger::is_keyed(*what.ref_type))
        return std::nullopt;
    credit_row_values values;
    return store.read_by_reference(*what.ref_type, *what.ref_id, what.reason, credit_row_columns, values)
               ? std::optional(to_credit_row(values))
               : std::nullopt;
}

// A hold says whether it holds: the same call again is a replay only as long as it does.
void refuse_settled_hold(const credit_row &first, const posting &again) {
    if (again.status != "pending" || first.status == "pending" || first.status.empty())
        return;
    const char *status = first.status == "succeeded" ? "captured" : "released";
    throw pg::sql_error{"MG010", "this hold was settled already",
                        ledger::to_readers({column::mg_id, column::mg_status}, std::string("status=") + status + " ") +
                            "hold_id=" + pg::quoted(*again.ref_id),
                        "Hold again under another hold_id; a capture of a hold that was released draws its credits."};
}

bool same_names(const credit_row &first, const posting &again) {
    return first.reason == again.reason &&
           (again.own_names || (first.ref_type == again.ref_type && first.ref_id == again.ref_id));
}

template <class Text> std::string names(const Text &reason, const Text &ref_type, const Text &ref_id) {
    const auto told = [](const std::optional<std::string> &text) { return text ? pg::quoted(*text) : "NULL"; };
    return " reason=" + told(reason) + " ref_type=" + told(ref_type) + " ref_id=" + told(ref_id);
}

// What the caller may use another one of: an id of a function's own family is an argument of that name.
std::string other_name(const posting &again) {
    if (!again.txn_id)
        return "reference";
    if (!again.own_names && !again.own_id)
        return "txn_id or reference";
    return again.txn_id->substr(0, again.txn_id->find(':')) + (again.own_id ? "_id or reference" : "_id");
}

} // namespace

void refuse_other_content(const credit_row &first, const posting &again) {
    const bool told = ledger::caller_may_read({column::mg_id, column::mg_pass_id, column::mg_delta, column::mg_reason,
                                               column::mg_ref_type, column::mg_ref_id});
    const auto content = [](std::string_view pass_id, std::int32_t delta) {
        return "pass_id=" + pg::quoted(pass_id) + " delta=" + std::to_string(delta);
    };
    const bool by_names = !same_names(first, again);
    const std::optional<std::string> reason = again.reason;
    // Of two that say the same the ids are what differs.
    const bool by_id = !by_names && again.txn_id && mg_id_of(*again.txn_id) != first.mg_id &&
                       first.pass_id == again.pass_id && first.delta == again.delta;
    throw pg::sql_error{
        "MG002", "this credit movement was recorded with other content",
        (told ? "mg_id=" + pg::quoted(first.mg_id) + " recorded: " + content(first.pass_id, first.delta) +
                    (by_names ? names(first.reason, first.ref_type, first.ref_id) : "") + "; "
              : std::string()) +
            (told || again.given ? "given: " + content(again.named_as.value_or(again.pass_id), again.delta) +
                                       (by_names ? names(reason, again.ref_type, again.ref_id) : "") +
                                       (by_id ? " txn_id=" + pg::quoted(*again.txn_id) : "")
                                 : std::string()),
        "Repeat a call with the same arguments, or use another " + other_name(again) + "."};
}

std::string mg_id_of(std::string_view txn_id) { return "credit_transaction:" + std::string(txn_id); }

std::optional<credit_row> find_by_txn_id(ledger::store &store, std::string_view txn_id, ItemPointerData place) {
    credit_row_values values;
    if (!store.read_row(mg_id_of(txn_id), credit_row_columns, values, &place))
        return std::nullopt;
    credit_row found = to_credit_row(values);
    found.place = place;
    return found;
}

std::pair<std::optional<credit_row>, std::optional<credit_row>>
find_pair(ledger::store &store, std::string_view first_txn_id, std::string_view second_txn_id) {
    auto first = find_by_txn_id(store, first_txn_id);
    auto second = find_by_txn_id(store, second_txn_id);
    if (second && !first)
        first = find_by_txn_id(store, first_txn_id);
    return {std::move(first), std::move(second)};
}

std::optional<credit_row> find_posted(ledger::store &store, const posting &what) {
    std::optional<credit_row> first;
    if (what.txn_id)
        first = find_by_txn_id(store, *what.txn_id);
    if (what.ref_id && !what.own_names) {
        const auto other = find_by_reference(store, what);
        if (first && other && first->mg_id != other->mg_id)
            refuse_other_content(*other, what);
        if (!first)
            first = other;
    }
    return first;
}

void require_same(const credit_row &first, const posting &again) {
    if (first.pass_id != again.pass_id || first.delta != again.delta || !same_names(first, again)) {
        refuse_reserved_names(again); // a row of mega's own is nobody's replay
        refuse_other_content(first, again);
    }
    refuse_settled_hold(first, again);
}

posting named_as_in(ledger::store &store, const credit_row &first, posting again) {
    if (again.pass_id == first.pass_id || !ledger::means_customer(store.where(), again.pass_id, first.pass_id))
        return again;
    std::string named = std::exchange(again.pass_id, first.pass_id);
    if (!again.named_as)
        again.named_as = std::move(named);
    return again;
}

std::optional<credit_row> find_replay(ledger::store &store, const posting &what) {
    auto first = find_posted(store, what);
    if (first && first->pass_id == what.pass_id)
        require_same(*first, what);
    else if (first)
        require_same(*first, named_as_in(store, *first, what));
    return first;
}

credit_row as_credit_row(const posting &what) {
    credit_row row;
    row.mg_id = what.txn_id ? mg_id_of(*what.txn_id) : std::string("an earlier entry of this call");
    row.pass_id = what.pass_id;
    row.delta = what.delta;
    row.reason = what.reason;
    row.ref_type = what.ref_type;
    row.ref_id = what.ref_id;
    return row;
}

void refuse_taken_reference(ledger::store &store, const posting &what) {
    if (what.ref_type && !ledger::is_keyed(*what.ref_type) && !(what.txn_id && find_by_txn_id(store, *what.txn_id)))
        throw pg::sql_error{"23505", "the unique index of references still has this type",
                            "ref_type=" + pg::quoted(*what.ref_type) + " ref_id=" + pg::quoted(*what.ref_id),
                            "Call mega_install: the index then leaves out the types of mega.unkeyed_ref_types."};
    if (what.own_names && what.ref_id)
        if (const auto other = find_by_reference(store, what); other && other->mg_id != mg_id_of(*what.txn_id))
            refuse_other_content(*other, what);
}

bool is_posted(ledger::store &store, const posting &what) {
    return (what.txn_id && find_by_txn_id(store, *what.txn_id)) || (what.ref_id && find_by_reference(store, what));
}

} // namespace mega::credits
