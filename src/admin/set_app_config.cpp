// mega_set_app_config: a setting and its new version, numbered under the lock of the setting.
#include "admin/app_config.hpp"
#include "admin/person.hpp"
#include "function_arguments.hpp"
#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/new_admin_row.hpp"
#include "ledger/own_key.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::admin {

namespace {

using column = schema::admin;

struct setting {
    std::string key;
    pg::jsonb value;
    std::optional<std::int32_t> expected;
    std::optional<std::string_view> actor;
};

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement
    lock("SELECT a.mg_value, a.mg_meta FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
         "AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config' FOR NO KEY UPDATE",
         id_type);

constinit pg::statement
    version_value("SELECT a.mg_value FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
                  "AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config'",
                  id_type);

constexpr Oid change_types[] = {TEXTOID, JSONBOID, JSONBOID};
constinit pg::statement
    change("UPDATE ONLY @schema@.mega_admin a SET mg_value = $2, mg_meta = $3, mg_deleted_at = NULL "
           "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config'",
           change_types);

// The metadata with what mega notes of a version there, under its own key, beside what an import noted: the other keys
// are the application's.
pg::jsonb with_version(std::optional<pg::jsonb> meta, std::int32_t version, std::optional<std::string_view> actor) {
    const pg::jsonb before = meta && pg::is_object(*meta) ? *meta : pg::empty_object();
    return ledger::with_own_members(before, {"version", "actor"}, [&](pg::json_builder &builder) {
        builder.key("version").number(version);
        if (actor)
            builder.key("actor").text(*actor);
    });
}

// What the metadata of the setting in force say of its version; they may be anybody's.
std::optional<std::int32_t> version_in(std::optional<pg::jsonb> meta) {
    const auto version = meta ? ledger::own_member(*meta, "version") : std::nullopt;
    return version && version->is_number() ? version->int4() : std::nullopt;
}

class setter {
public:
    setter(pg::spi_connection &spi, const schema::table_catalog &where, const setting &what)
        : spi_(spi), where_(where), what_(what), mg_id_(mg_id_of_setting(what.key)) {}

    // The number of the new version.
    std::int32_t run() {
        change_or_make(
            where_, mg_id_, [this] { return change_it(); }, [this] { return make_it(); });
        return version_;
    }

private:
    bool change_it() {
        const pg::as_role owner(where_.admins.owner);
        const pg::rows found = spi_.run(lock, where_.schema, pg::access::read_write, mg_id_);
        if (found.empty())
            return false;
        const auto value = found.json(0, 0);
        const auto meta = found.json(0, 1);
        version_numbers numbers = numbers_of(spi_, where_, what_.key, version_in(meta));
        if (numbers.newest == 0 || !is_value_of(numbers.newest, value)) { // somebody wrote it past this function
            const std::int32_t kept = next_of(numbers);
            keep(kept, value);
            numbers = {kept, free_version(spi_, where_, what_.key, kept)};
        }
        number(numbers);
        append(version_, what_.value, what_.actor);
        return spi_.run(change, where_.schema, pg::access::read_write, mg_id_, what_.value,
                        with_version(meta, version_, what_.actor))
                   .count() > 0;
    }

    bool make_it() {
        {
            const pg::as_role owner(where_.admins.owner);
            number(numbers_of(spi_, where_, what_.key, std::nullopt)); // versions stay when a setting is deleted
        }
        ledger::new_admin_row row(core::record_type::app_config, what_.key);
        row.set(column::mg_key, what_.key)
            .set(column::mg_value, what_.value)
            .set(column::mg_meta, with_version(std::nullopt, version_, what_.actor));
        if (!ledger::append(spi_, where_, row))
            return false;
        append(version_, what_.value, what_.actor);
        return true;
    }

    bool is_value_of(std::int32_t version, const std::optional<pg::jsonb> &value) const {
        const pg::rows found =
            spi_.run(version_value, where_.schema, pg::access::read_write, mg_id_of_version(what_.key, version));
        const auto kept = found.empty() ? std::nullopt : found.json(0, 0);
        return kept && value ? pg::equal(pg::root_of(*kept), pg::root_of(*value)) : !kept && !value;
    }

    // Makes the value in force, which has no version, a version of its own.
    void keep(std::int32_t version, const std::optional<pg::jsonb> &value) {
        require(version, "It was not written by mega_set_app_config and becomes a version with the next call: read it "
                         "with mega_app_config, and change what stands now.");
        append(version, value, std::nullopt);
    }

    // Raises MG011 when the caller expected another version than the one that stands.
    void require(std::int32_t standing,
                 const char *hint = "Read it with mega_app_config_versions, and change what stands now.") const {
        if (what_.expected && *what_.expected != standing)
            throw pg::sql_error{
                "MG011", "another version of the setting stands",
                "key=" + pg::quoted(what_.key) + " expected_version=" + std::to_string(*what_.expected) +
                    ledger::to_readers({column::mg_id, column::mg_key}, " version=" + std::to_string(standing)),
                hint};
    }

    std::int32_t next_of(const version_numbers &numbers) const {
        if (!numbers.next)
            throw pg::sql_error{"22003", "the setting has no version number left", "key=" + pg::quoted(what_.key), {}};
        return *numbers.next;
    }

    void number(const version_numbers &numbers) {
        require(numbers.newest);
        version_ = next_of(numbers);
    }

    void append(std::int32_t version, std::optional<pg::jsonb> value, std::optional<std::string_view> actor) {
        ledger::new_admin_row row(core::record_type::app_config, what_.key + ".v" + std::to_string(version));
        row.set(column::mg_key, what_.key)
            .set(column::mg_value, value)
            .set(column::mg_meta, with_version(std::nullopt, version, actor));
        if (!ledger::append(spi_, where_, row))
            throw pg::sql_error{"40001", "this version was written meanwhile", "mg_id=" + pg::quoted(row.mg_id()),
                                "Try again."};
    }

    pg::spi_connection &spi_;
    const schema::table_catalog &where_;
    const setting &what_;
    const std::string mg_id_;
    std::int32_t version_ = 0;
};

void audit(pg::spi_connection &spi, const schema::table_catalog &where, const setting &what, std::int32_t version) {
    pg::json_builder detail;
    detail.begin_object();
    detail.key("key").text(what.key);
    detail.key("version").number(version);
    ledger::audit_actor(spi, where, {"app_config.set", std::nullopt, detail.end_object().finish()}, what.actor);
}

Datum set_app_config(FunctionCallInfo fcinfo) {
    using in = arguments::set_app_config;
    const pg::arguments given(fcinfo);
    const setting what{read_key(given.text(in::key)), ledger::require("value", given.json(in::value)),
                       given.int4(in::expected_version), read_actor(given.text(in::actor))};
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    pg::spi_connection spi;
    const std::int32_t version = setter(spi, where, what).run();
    audit(spi, where, what, version);
    spi.finish();
    return pg::return_row(fcinfo, mg_id_of_setting(what.key), version);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_set_app_config, mega::admin::set_app_config);
