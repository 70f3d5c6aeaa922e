// mega_parity_report: whether everything of legacy is in mega, in one document with a verdict.
#include "core/utc_time.hpp"
#include "moving/erased_people.hpp"
#include "moving/legacy_sql.hpp"
#include "moving/parity.hpp"
#include "moving/said_credits.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/procedure.hpp"
#include "pg/result.hpp"

namespace mega::moving {

namespace {

constexpr std::int32_t sampled_rows = 100;

// Of each customer of legacy what his keys have together, and what imported rows and openings make. Rows of legacy that
// an application brought before count as imported.
constexpr const char *credits =
    " SELECT b.root, b.legacy, b.said, b.unsaid, coalesce(i.imported, 0)::bigint, coalesce(i.openings, 0)::bigint "
    "FROM (SELECT p.root, pg_catalog.sum((p.doc OPERATOR(pg_catalog.->>) 'credits')::numeric)::bigint AS legacy, "
    "pg_catalog.count(p.doc OPERATOR(pg_catalog.->>) 'credits') AS said, pg_catalog.count(*) "
    "OPERATOR(pg_catalog.-) pg_catalog.count(p.doc OPERATOR(pg_catalog.->>) 'credits') AS unsaid FROM @people@ p WHERE "
    "p.root IS NOT NULL GROUP BY p.root) b LEFT JOIN (SELECT r.pass_id, pg_catalog.sum(r.delta) FILTER (WHERE NOT "
    "r.opens) AS imported, pg_catalog.sum(r.delta) FILTER (WHERE r.opens) AS openings FROM (SELECT g.mg_pass_id "
    "COLLATE pg_catalog.\"C\" AS pass_id, g.mg_delta AS delta, g.mg_meta OPERATOR(pg_catalog.#>) "
    "'{mega,import,opening}' IS NOT NULL AS opens FROM ONLY @schema@.mega_generations g WHERE g.mg_record_type "
    "OPERATOR(pg_catalog.=) 'credit_transaction' AND g.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT "
    "NULL@others@) r GROUP BY r.pass_id) i ON i.pass_id OPERATOR(pg_catalog.=) b.root";

constexpr const char *preferences =
    "SELECT pg_catalog.count(*) FROM @schema@.mega_reconcile_preferences(NULL::pg_catalog.text) r";

constexpr const char *mended =
    "SELECT e.how, pg_catalog.count(*) FROM (SELECT g.mg_meta FROM ONLY @schema@.mega_generations g WHERE g.mg_meta "
    "OPERATOR(pg_catalog.#>) '{mega,import,mended}' IS NOT NULL UNION ALL SELECT a.mg_meta FROM ONLY "
    "@schema@.mega_admin a WHERE a.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,mended}' IS NOT NULL) m, LATERAL "
    "pg_catalog.jsonb_array_elements_text(m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,mended}') e(how) GROUP BY "
    "e.how "
    "ORDER BY e.how COLLATE pg_catalog.\"C\"";

constexpr const char *refused =
    "SELECT a.mg_detail OPERATOR(pg_catalog.->>) 'table', a.mg_detail OPERATOR(pg_catalog.->>) 'reason', "
    "pg_catalog.count(*) FROM ONLY @schema@.mega_admin a WHERE a.mg_action OPERATOR(pg_catalog.=) 'import_refused' "
    "AND a.mg_record_type OPERATOR(pg_catalog.=) 'admin_audit' GROUP BY 1, 2 ORDER BY 1, 2";

std::string day_text(std::int32_t day) {
    constexpr std::int64_t micros_of_day = SECS_PER_DAY * pg::microseconds_per_second;
    return core::iso_utc(pg::unix_micros({day * micros_of_day})).substr(0, 10);
}

class reporting {
public:
    reporting(pg::spi_connection &spi, const legacy_schema &from, Oid schema)
        : spi_(spi), from_(from), schema_(schema), erased_(spi, schema) {}

    pg::jsonb run() {
        out_.begin_object();
        out_.key("legacy_schema").text(from_.name());
        add_refused();
        add_counts();
        add_sample();
        add_credits();
        add_preferences();
        add_mended();
        out_.key("verdict").text(verdict());
        return out_.end_object().finish();
    }

private:
    pg::rows read(std::string_view text) {
        return spi_.run_text(pg::with_schema_name(text, schema_), pg::access::read_only);
    }

    void add_refused() {
        const pg::rows found = read(refused);
        out_.key("refused").begin_object();
        std::string open;
        for (std::uint64_t i = 0; i < found.count(); ++i) {
            const std::string table(found.text(i, 0).value_or(""));
            if (table != open) {
                if (!open.empty())
                    out_.end_object();
                out_.key(table).begin_object();
                open = table;
            }
            out_.key(found.text(i, 1).value_or("")).number(found.int8(i, 2).value_or(0));
        }
        if (!open.empty())
            out_.end_object();
        out_.end_object();
    }

    void add_counts() {
        std::map<std::string, std::int64_t> missing;
        std::int64_t legacy = 0, mega = 0;
        out_.key("counts").begin_object();
        out_.key("differing").begin_array();
        for (const day_count &one : count_days(spi_, from_, schema_)) {
            legacy += one.legacy;
            mega += one.mega;
            if (one.legacy == one.mega)
                continue;
            missing[one.record_type] += one.legacy - one.mega;
            unexplained_ += one.mega > one.legacy ? one.mega - one.legacy : 0;
            out_.begin_object();
            out_.key("day").text_or_null(one.day ? std::optional(day_text(*one.day)) : std::nullopt);
            out_.key("record_type").text(one.record_type);
            out_.key("legacy").number(one.legacy).key("mega").number(one.mega);
            out_.end_object();
        }
        out_.end_array();
        out_.key("legacy").number(legacy).key("mega").number(mega);
        out_.end_object();
        legacy_ = legacy;
        for (std::size_t i = 0; i < legacy_tables; ++i)
            if (const auto table = static_cast<moving::legacy>(i); missing[type_name(table)] > 0) {
                missing_ += missing[type_name(table)];
                look_for_missing(table, missing[type_name(table)]);
            }
    }

    // What was refused once and came since, or is not in legacy any more, explains nothing that is missing; and nothing
    // else does than a refusal that was kept or an erasure, not even that this look finds fewer rows missing.
    void look_for_missing(moving::legacy table, std::int64_t missing) {
        const pg::rows found = spi_.run_text(missing_query(from_, schema_, table), pg::access::read_only);
        std::int64_t were_refused = 0, left_out = 0, others = 0;
        for (std::uint64_t i = 0; i < found.count(); ++i) {
            were_refused += found.int8(i, 1).value_or(0);
            (erased_.has(found.text(i, 0).value_or("")) ? left_out : others) += found.int8(i, 2).value_or(0);
        }
        left_out_ += left_out;
        unexplained_ += std::max(others, missing - were_refused - left_out);
    }

    void add_sample() {
        const auto found = compare_sample(spi_, from_, schema_, sampled_rows, pg::clock_time().value);
        sampled_ = static_cast<std::int64_t>(found.size());
        out_.key("sample").begin_object();
        out_.key("rows_per_type").number(sampled_rows);
        out_.key("differing").begin_array();
        for (const auto &[type, what] : found) {
            out_.begin_object();
            out_.key("record_type").text(type);
            out_.key("id").text(what.id);
            out_.key("field").text(what.field);
            out_.key("legacy").text_or_null(what.legacy).key("mega").text_or_null(what.mega);
            out_.end_object();
        }
        out_.end_array().end_object();
    }

    void add_credits() {
        const std::string others =
            from_.has(legacy::credit_transactions)
                ? " UNION ALL SELECT u.root, u.mg_delta, false FROM (" + unnoted_credits(from_) + ") u"
                : std::string();
        const pg::rows found =
            read(people(from_, schema_) + filled(credits, {{"@others@", others}, {"@people@", "people"}}));
        std::int64_t legacy = 0, imported = 0, openings = 0;
        out_.key("credits").begin_object();
        std::int64_t customers = 0;
        out_.key("differing").begin_array();
        for (std::uint64_t i = 0; i < found.count(); ++i) {
            if (erased_.has(found.text(i, 0).value_or("")))
                continue;
            const auto at = [&](int column) { return found.int8(i, column).value_or(0); };
            const said_credits has{at(1), at(2), at(3)};
            if (has.said == 0) // nothing to compare
                continue;
            ++customers;
            const std::int64_t came = at(4), opened = at(5);
            legacy += has.sum;
            imported += came;
            openings += opened;
            if (has.missing_beside(came + opened) == 0)
                continue;
            ++credits_;
            out_.begin_object();
            out_.key("pass_id").text(found.text(i, 0).value_or(""));
            out_.key("legacy").number(has.sum).key("imported").number(came).key("openings").number(opened);
            out_.end_object();
        }
        out_.end_array();
        out_.key("customers").number(customers).key("legacy").number(legacy);
        out_.key("imported").number(imported).key("openings").number(openings);
        out_.end_object();
    }

    void add_preferences() {
        preferences_ = read(preferences).int8(0, 0).value_or(0);
        out_.key("preferences").begin_object();
        out_.key("differing").number(preferences_);
        out_.end_object();
    }

    void add_mended() {
        const pg::rows found = read(mended);
        out_.key("mended").begin_object();
        for (std::uint64_t i = 0; i < found.count(); ++i)
            out_.key(found.text(i, 0).value_or("")).number(found.int8(i, 1).value_or(0));
        out_.end_object();
    }

    std::string verdict() const {
        const std::int64_t all = unexplained_ + sampled_ + credits_ + preferences_;
        if (all == 0)
            return "clean: " + std::to_string(legacy_ - missing_) + " of " + std::to_string(legacy_) +
                   " rows are there, " + std::to_string(missing_ - left_out_) + " were refused" +
                   (left_out_ > 0 ? ", " + std::to_string(left_out_) + " are of customers who were erased" : "");
        return std::to_string(all) + " differences: " + std::to_string(unexplained_) + " in counts, " +
               std::to_string(sampled_) + " in the sample, " + std::to_string(credits_) + " in credits, " +
               std::to_string(preferences_) + " in preferences";
    }

    pg::spi_connection &spi_;
    const legacy_schema &from_;
    const Oid schema_;
    pg::json_builder out_;
    const erased_people erased_;
    std::int64_t legacy_ = 0, missing_ = 0, left_out_ = 0, unexplained_ = 0, sampled_ = 0, credits_ = 0,
                 preferences_ = 0;
};

Datum report(FunctionCallInfo fcinfo) {
    parity_call call(fcinfo);
    call.spi().connect();
    pg::plain_reading plainly;
    const pg::jsonb document = call.spi().copy_out(reporting(call.spi(), call.from(), call.schema()).run());
    plainly.end();
    call.spi().finish();
    return JsonbPGetDatum(document.document);
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_parity_report, mega::moving::report);
