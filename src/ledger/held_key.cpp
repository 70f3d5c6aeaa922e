// Holds the key of references by a lock and a look.
#include "ledger/held_key.hpp"

#include "core/record_id.hpp"
#include "ledger/statement_texts.hpp"
#include "ledger/words.hpp"
#include "schema/restore.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

// Several references share a lock, so that a COPY of any size takes no more of them than a server has room for.
constexpr std::uint32_t locks = 1024;

void lock(std::string_view ref_type, std::string_view ref_id, std::string_view reason) {
    std::string key(ref_type);
    for (const std::string_view part : {ref_id, reason})
        key.append(1, '\0').append(part);
    const std::uint32_t number =
        hash_bytes(reinterpret_cast<const unsigned char *>(key.data()), static_cast<int>(key.size())) % locks;
    pg::call([number] {
        LOCKTAG wanted;
        constexpr std::uint16_t beside_those_of_users = 3; // whose are 1 and 2
        SET_LOCKTAG_ADVISORY(wanted, MyDatabaseId, 0x6d656761, number, beside_those_of_users);
        LockAcquire(&wanted, ExclusiveLock, false, false);
    });
}

bool is_kept_by_index(const schema::table_catalog &where, std::string_view ref_type) {
    return where.generations.reference_key &&
           std::ranges::find(where.generations.left_out, ref_type) == where.generations.left_out.end();
}

} // namespace

bool leaves_out_keys(const schema::table_catalog &where) {
    return std::ranges::any_of(where.generations.left_out, [](const std::string &type) { return is_keyed(type); });
}

bool claim_reference(const schema::table_catalog &where, std::optional<std::string_view> ref_type,
                     std::optional<std::string_view> ref_id, std::optional<std::string_view> reason) {
    if (!ref_type || !ref_id || is_kept_by_index(where, *ref_type) || !is_keyed(*ref_type) ||
        SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA || schema::restoring())
        return true;
    lock(*ref_type, *ref_id, reason.value_or(""));
    pg::spi_connection spi;
    bool is_free;
    {
        const pg::as_role owner(where.generations.owner);
        constexpr column id[] = {column::mg_id};
        is_free = spi.run(statements::select_by_reference(id), where.schema, pg::access::latest, *ref_type, *ref_id,
                          reason.value_or(""))
                      .empty();
    }
    spi.finish();
    return is_free;
}

void require_free_reference(const schema::table_catalog &where, const ledger_row &row) {
    if (row.text(column::mg_record_type) != core::name(core::record_type::credit_transaction))
        return;
    const auto ref_type = row.text(column::mg_ref_type), ref_id = row.text(column::mg_ref_id),
               reason = row.text(column::mg_reason);
    if (!claim_reference(where, ref_type, ref_id, reason))
        throw pg::sql_error{
            "23505", "another credit row has this reference",
            "mg_ref_type=" + pg::quoted(*ref_type) + " mg_ref_id=" + pg::quoted(*ref_id) +
                " mg_reason=" + (reason ? pg::quoted(*reason) : "NULL"),
            "A reference moves credits once for a reason. Old rows that share references keep the unique "
            "index out: mega_validate lists them."};
}

} // namespace mega::ledger
