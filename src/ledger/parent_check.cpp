// The parent check (I7): the generations that rows name are there and the same customer's.
#include "ledger/parent_check.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "pg/disclosure.hpp"
#include "pg/rounds.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

constexpr std::string_view prefix = "generation:";

// '' when the generation has no customer, std::nullopt when there is no generation.
std::optional<std::string> customer_of(store &store, std::string_view mg_id) {
    constexpr column pass_id[] = {column::mg_pass_id};
    pg::nullable_datum value[1];
    if (!store.lock_row(mg_id, LockTupleShare, pass_id, value))
        return std::nullopt;
    return value[0].is_null ? "" : std::string(pg::text_of(value[0].value));
}

} // namespace

void parent_check::add(const ledger_row &row, schema::ledger c) {
    const auto id = row.text(c);
    if (!id)
        return;
    std::vector<claim> &claims =
        named_[id->starts_with(prefix) ? std::string(*id) : std::string(prefix) + std::string(*id)];
    const std::string pass_id(row.text(column::mg_pass_id).value_or(""));
    if (std::ranges::none_of(claims, [&](const claim &one) { return one.pass_id == pass_id; }))
        claims.push_back({std::string(row.text(column::mg_id).value_or("")), pass_id});
}

void parent_check::verify_one(store &store, std::string_view generation, std::span<const claim> claims) {
    const auto customer = customer_of(store, generation);
    if (!customer)
        throw pg::sql_error{"23503", "there is no generation " + pg::quoted(generation),
                            "mg_id=" + pg::quoted(claims.front().row_id) + " names it.",
                            "Create the generation first, for example with mega_create_generation."};
    for (const claim &one : claims)
        if (one.pass_id.empty() && !customer->empty())
            throw pg::sql_error{bad_column, "a step needs its customer",
                                "mg_pass_id is NULL in " + pg::quoted(one.row_id),
                                "It is filled in where the generation stands before the step; or name it."};
        else if (one.pass_id != *customer && !means_customer(store.where(), one.pass_id, *customer))
            throw pg::sql_error{bad_column,
                                "the generation belongs to another customer",
                                "mg_id=" + pg::quoted(one.row_id) + // of a merged customer it is the row of another
                                    to_readers({schema::ledger::mg_pass_id}, " mg_pass_id=" + pg::quoted(one.pass_id)) +
                                    " generation=" + pg::quoted(generation),
                                {}};
}

void parent_check::verify(store &store) const {
    if (named_.size() == 1)
        return verify_one(store, named_.begin()->first, named_.begin()->second);
    pg::rounds generations;
    for (const auto &one : named_)
        generations.run([&](pg::spi_connection &its_own) {
            verify_one(*open_store(its_own, store.where()), one.first, one.second);
        });
}

std::optional<std::string> owner_seen(store &store, const std::string &mg_id) {
    constexpr column pass_id[] = {column::mg_pass_id};
    pg::nullable_datum owner[1];
    if (!store.read_row(mg_id, pass_id, owner, nullptr))
        return std::nullopt;
    return owner[0].is_null ? "" : std::string(pg::text_of(owner[0].value));
}

bool customer_exists(const schema::table_catalog &where, std::string_view pass_id) {
    pg::spi_connection spi;
    const bool exists = open_store(spi, where)->read_customer(pass_id, {}, {});
    spi.finish();
    return exists;
}

void fill_pass_id_of_step(const schema::table_catalog &where, ledger_row &row) {
    const auto generation = row.text(column::mg_generation_id);
    if (!generation || !row.is_null(column::mg_pass_id) ||
        row.text(column::mg_record_type) != core::name(core::record_type::mma_step))
        return;
    pg::spi_connection spi;
    const auto customer = customer_of(*open_store(spi, where), std::string(prefix) + std::string(*generation));
    spi.finish();
    if (!customer || customer->empty())
        return;
    // Postgres shows a writer who may not read the columns that he wrote, when the row breaks a rule of the owner's:
    // this one he did not. (To whom a policy applies it shows none.)
    const AttrNumber filled[] = {where.generations.at(column::mg_pass_id)};
    if (!pg::caller_may_select(where.generations.id, filled))
        throw pg::sql_error{bad_column, "a step needs its customer",
                            "mg_pass_id is NULL in " + pg::quoted(row.text(column::mg_id).value_or("")),
                            "It is filled in for those who may read it: name the generation's."};
    row.set(column::mg_pass_id, *customer);
}

} // namespace mega::ledger
