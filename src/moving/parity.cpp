// What is on both sides: rows counted by day, and a sample compared column by column.
#include "moving/parity.hpp"

#include "core/utc_time.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "moving/doubled_keys.hpp"
#include "moving/erased_people.hpp"
#include "moving/import_person.hpp"
#include "moving/legacy_sql.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/procedure.hpp"
#include "pg/result.hpp"

namespace mega::moving {

namespace {

// A stored value, from the document that mega's row is, as `shown` shows it.
std::optional<std::string> stored_text(std::string_view type, const legacy_row &mega, const char *column) {
    if (mega.is_null(column))
        return std::nullopt;
    if (type == "timestamptz")
        return core::iso_utc(pg::unix_micros(*mega.time(column)));
    if (type == "jsonb")
        return shown(schema::admin::mg_value, pg::to_datum(pg::json_builder::document_of(*mega.value(column))));
    return mega.text(column);
}

// A member of what an import noted of a row.
std::optional<pg::json_value> noted(const legacy_row &mega, std::string_view name) {
    const auto meta = mega.value("mg_meta");
    if (!meta || !meta->is_object())
        return std::nullopt;
    const auto own = pg::find(meta->container(), "mega");
    if (!own || !own->is_object())
        return std::nullopt;
    const auto note = pg::find(own->container(), "import");
    if (!note || !note->is_object())
        return std::nullopt;
    return pg::find(note->container(), name);
}

bool has_mended(const legacy_row &mega, std::string_view what) {
    const auto found = noted(mega, "mended");
    bool any = false;
    if (found && found->is_array())
        pg::for_each_element(found->container(), [&](const pg::json_value &one) {
            any = any || (one.is_string() && one.string() == what);
        });
    return any;
}

const char *type_of(schema::ledger c) { return schema::ledger_columns[static_cast<std::size_t>(c)].type; }
const char *type_of(schema::admin c) { return schema::admin_columns[static_cast<std::size_t>(c)].type; }
const char *type_of(schema::customer c) { return schema::customer_columns[static_cast<std::size_t>(c)].type; }

// Times of changes differ by the change itself; documents are mega's beside the application's; what was mended is
// counted elsewhere.
template <class Column> bool is_sampled(Column c, const mapped<Column> &made) {
    const std::string_view name = schema::name(c);
    if (name == "mg_updated_at" || name == "mg_meta" || name == "mg_last_active")
        return false;
    const bool mended_time = std::ranges::any_of(
        made.mended, [](const note &one) { return one.what == how::null_time || one.what == how::future_time; });
    return !mended_time || std::string_view(type_of(c)) != "timestamptz";
}

class sampler {
public:
    sampler(const legacy_schema &from, Oid schema, const erased_people &erased, std::vector<sampled_difference> &found)
        : from_(from), schema_(schema), erased_(erased), found_(found) {}

    void compare(pg::spi_connection &spi, legacy table, std::int32_t rows, std::int64_t seed) {
        look_for_doubled(spi, table);
        told_ = ids(spi, told_ids_query(schema_, table));
        const pg::rows some = spi.run_text(sample_query(from_, schema_, table, rows, seed), pg::access::read_only);
        for (std::uint64_t i = 0; i < some.count(); ++i) {
            pg::check_for_interrupts();
            const auto document = some.json(i, static_cast<int>(legacy_result::document));
            const auto pass_id = some.text(i, static_cast<int>(legacy_result::pass_id));
            const auto mega = some.json(i, static_cast<int>(legacy_result::digest));
            const bool there = some.boolean(i, static_cast<int>(legacy_result::there)).value_or(false);
            const auto owner = there && mega ? legacy_row(table, *mega).text("mg_pass_id") : std::nullopt;
            const bool left_out = (pass_id && erased_.has(*pass_id)) || (owner && erased_.has(*owner));
            if (document && !left_out && !doubled_.contains(legacy_row(table, *document).id()))
                compare_row(legacy_row(table, *document), pass_id, there ? mega : std::nullopt);
        }
    }

private:
    // Of rows with one key the import took one, and told the others.
    void look_for_doubled(pg::spi_connection &spi, legacy table) {
        doubled_.clear();
        if (may_have_doubled_keys(from_, table))
            doubled_ = ids(spi, doubled_keys_query(from_, table));
    }

    static set_of_ids ids(pg::spi_connection &spi, const std::string &query) {
        return ids_of(spi.run_text(query, pg::access::read_only));
    }

    void compare_row(const legacy_row &row, std::optional<std::string_view> pass_id, std::optional<pg::jsonb> stored) {
        if (!stored && told_.contains(row.id())) // it may not even be readable
            return;
        const legacy table = row.table();
        const legacy_row mega(table, stored.value_or(pg::empty_object()));
        terms by{pg::clock_time(), [] { return std::optional<pg::timestamp>(); }, std::nullopt,
                 !has_mended(mega, how::doubled_reference)};
        if (table == legacy::customers) {
            if (pass_id) // else it was refused
                compare_person(row, *pass_id, by, mega, stored.has_value());
        } else if (core::is_ledger_type(*definition_of(table).becomes)) {
            const auto made = map_ledger_row(row, by);
            if (!made.refused && pass_id)
                compare_columns(row, made, mega, stored.has_value(), pass_id);
        } else if (const auto made = map_admin(row, by); !made.refused) {
            compare_columns(row, made, mega, stored.has_value(), std::nullopt);
        }
    }

    // What several keys made, or many people, is no one row's.
    void compare_person(const legacy_row &row, std::string_view pass_id, const terms &by, const legacy_row &mega,
                        bool there) {
        const auto keys = noted(mega, "keys");
        int others = 0;
        if (keys && keys->is_object())
            pg::for_each_member(keys->container(), [&](std::string_view key, const pg::json_value &digest) {
                const bool doubled = digest.is_string() && digest.string().ends_with(doubled_mark);
                others += key != row.id() || doubled ? 1 : 0;
            });
        if (there && (others > 0 || pass_id == anonymous_pass_id))
            return;
        const auto made = map_customer(std::span(&row, 1), by);
        compare_columns(row, made, mega, there, std::nullopt);
    }

    template <class Column>
    void compare_columns(const legacy_row &row, const mapped<Column> &made, const legacy_row &mega, bool there,
                         std::optional<std::string_view> pass_id) {
        const std::string type = type_name(row.table());
        if (!there) {
            found_.push_back({type, {row.id(), definition_of(row.table()).key, row.id(), std::nullopt}});
            return;
        }
        if (pass_id && mega.text("mg_pass_id") != std::string(*pass_id))
            found_.push_back({type, {row.id(), "shopify_customer_id", std::string(*pass_id), mega.text("mg_pass_id")}});
        for (const field<Column> &one : made.fields) {
            const std::string_view from = one.from;
            if (from.empty() || !is_sampled(one.column, made) || (from != "knobs" && !row.has(from)))
                continue; // common columns only
            if ((from == "reason" && has_mended(mega, how::mapped_reason)) ||
                (from == "user_id" && row.table() == legacy::customers && mega.is_null("mg_user_id")))
                continue; // mended: told by the import
            const auto legacy = shown(one.column, one.value);
            const auto stored = stored_text(type_of(one.column), mega, schema::name(one.column));
            if (legacy != stored)
                found_.push_back({type,
                                  {row.id(), one.from, shown_without_secrets(one.column, one.value),
                                   stored_text(type_of(one.column), {row.table(), redacted(mega.document())},
                                               schema::name(one.column))}});
        }
    }

    const legacy_schema &from_;
    const Oid schema_;
    const erased_people &erased_;
    set_of_ids doubled_, told_; // keys of several rows; of rows that were refused
    std::vector<sampled_difference> &found_;
};

// The three functions begin with it.
std::string required_schema(const pg::arguments &given) {
    using in = arguments::parity_counts;
    static_assert(in::legacy_schema == arguments::parity_sample::legacy_schema &&
                  in::legacy_schema == arguments::parity_report::legacy_schema);
    if (given.is_null(in::legacy_schema))
        throw pg::sql_error{ledger::bad_argument, "legacy_schema must not be NULL", {}, {}};
    return NameStr(*DatumGetName(given.call_info()->args[in::legacy_schema].value));
}

} // namespace

parity_call::parity_call(FunctionCallInfo fcinfo)
    : schema_(schema::catalog_of(fcinfo->flinfo->fn_oid).schema),
      from_(required_schema(pg::arguments(fcinfo)), std::nullopt) {}

std::vector<sampled_difference> compare_sample(pg::spi_connection &spi, const legacy_schema &from, Oid schema,
                                               std::int32_t rows, std::int64_t seed) {
    std::vector<sampled_difference> all;
    const erased_people erased(spi, schema);
    for (std::size_t i = 0; i < legacy_tables; ++i)
        if (const auto table = static_cast<legacy>(i); from.has(table))
            sampler(from, schema, erased, all).compare(spi, table, rows, seed);
    return all;
}

namespace {

Datum counts(FunctionCallInfo fcinfo) {
    parity_call call(fcinfo);
    pg::row_set result(fcinfo);
    pg::plain_reading plainly;
    for (const day_count &one : count_days(call.spi(), call.from(), call.schema()))
        result.add(one.day ? pg::nullable_datum{Int32GetDatum(*one.day), false} : pg::nullable_datum{}, one.record_type,
                   one.legacy, one.mega);
    plainly.end();
    call.spi().finish();
    return pg::return_null(fcinfo);
}

Datum sample(FunctionCallInfo fcinfo) {
    using in = arguments::parity_sample;
    const pg::arguments given(fcinfo);
    const std::int32_t rows = given.int4(in::rows_per_type).value_or(100);
    if (rows < 1)
        throw pg::sql_error{
            ledger::bad_argument, "rows_per_type must be above zero", "rows_per_type=" + std::to_string(rows), {}};
    const std::int64_t seed =
        given.is_null(in::seed) ? pg::clock_time().value : DatumGetInt64(fcinfo->args[in::seed].value);
    parity_call call(fcinfo);
    pg::row_set result(fcinfo);
    pg::plain_reading plainly;
    for (const auto &[type, what] : compare_sample(call.spi(), call.from(), call.schema(), rows, seed))
        result.add(type, what.id, what.field, what.legacy, what.mega);
    plainly.end();
    call.spi().finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_parity_counts, mega::moving::counts);
PG_ENTRY(mega_parity_sample, mega::moving::sample);
