// Rows counted by day on both sides, by the ids of legacy.
#include "moving/parity.hpp"

#include "core/utc_time.hpp"
#include "moving/legacy_digest.hpp"
#include "moving/legacy_sql.hpp"
#include "pg/clock.hpp"

#include <set>

namespace mega::moving {

namespace {

// The beginning of a day in UTC. Counted from a time before all others: up to 15.5 date_bin takes midnights before its
// origin for the day before.
#define DAY_OF(time)                                                                                                   \
    "pg_catalog.date_bin('1 day'::interval, " time ", '0001-01-01 00:00:00+00'::pg_catalog.timestamptz)"

// No day: none, or one that lies ahead; the import mended it.
constexpr const char *day_of_legacy =
    "CASE WHEN @made@ OPERATOR(pg_catalog.>) '-infinity'::pg_catalog.timestamptz AND @made@ OPERATOR(pg_catalog.<=) "
    "'@latest@'::pg_catalog.timestamptz THEN " DAY_OF("@made@") " END";

// Both sides of the rows of a table, joined by their ids. A time that had to be mended is no day.
constexpr const char *counts_of_table =
    "WITH pairs AS MATERIALIZED (SELECT j.old, j.new, pg_catalog.count(*) AS rows, @there@ AS there "
    "FROM ("
    "SELECT t.old, m.mg_id, CASE WHEN t.old IS NULL OR (@day@) OPERATOR(pg_catalog.=) t.old "
    "OR m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,mended}' OPERATOR(pg_catalog.?|) "
    "'{null_time,future_time}'::pg_catalog.text[] THEN t.old ELSE @day@ END AS new "
    "FROM (SELECT @id@ AS id, @old@ AS old FROM @table@ l@which@) t "
    "LEFT JOIN ONLY @mega@ m ON m.mg_id OPERATOR(pg_catalog.=) "
    "(('@prefix@' OPERATOR(pg_catalog.||) t.id) COLLATE pg_catalog.\"C\") "
    "AND m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,opening}' IS NULL) j GROUP BY j.old, j.new) "
    "SELECT u.day, pg_catalog.sum(u.legacy)::bigint, pg_catalog.sum(u.mega)::bigint FROM ("
    "SELECT p.old AS day, p.rows AS legacy, 0 AS mega FROM @pairs@ p UNION ALL "
    "SELECT p.new, 0, p.there FROM @pairs@ p WHERE p.there OPERATOR(pg_catalog.>) 0) u GROUP BY u.day";

// Customers by the keys that an import noted: several may be one customer.
constexpr const char *counts_of_customers =
    "SELECT t.old, pg_catalog.count(*), pg_catalog.count(k.key) FROM (SELECT @id@ AS id, @old@ AS old FROM @table@ l) "
    "t LEFT JOIN (SELECT DISTINCT n.key COLLATE pg_catalog.\"C\" "
    "AS key FROM ONLY "
    "@mega@ c, LATERAL pg_catalog.jsonb_object_keys(c.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,keys}') n(key)) k "
    "ON k.key OPERATOR(pg_catalog.=) coalesce(t.id, 'anonymous') GROUP BY t.old";

std::string qualified_table(legacy table, Oid schema) {
    return pg::with_schema_name("@schema@.", schema) + mega_table(table);
}

// When mega has it that the row was made. A setting's row says when it was changed.
const char *day_of_mega(legacy table) {
    if (table == legacy::runtime_config || table == legacy::app_config)
        return DAY_OF("(m.mg_payload OPERATOR(pg_catalog.->>) 'updated_at')::pg_catalog.timestamptz");
    return DAY_OF("m.mg_created_at");
}

// A constant, so that parallel workers may go by it.
std::string latest_time() {
    constexpr std::int64_t ahead = 5 * 60 * pg::microseconds_per_second;
    return core::iso_utc(pg::unix_micros({GetCurrentTransactionStartTimestamp() + ahead}));
}

std::string legacy_day(const legacy_schema &from, legacy table) {
    return filled(day_of_legacy, {{"@made@", made_time(from, table)}, {"@latest@", latest_time()}});
}

// which: a condition for rows of legacy.
std::string counts_query(const legacy_schema &from, Oid schema, legacy table, const std::string &which) {
    return filled(
        table == legacy::customers ? counts_of_customers : counts_of_table,
        {{"@day@", day_of_mega(table)},
         {"@old@", legacy_day(from, table)},
         {"@which@", which},
         {"@id@", key_text(from, table)},
         {"@prefix@", prefix_of(table)},
         {"@there@", from.has_unique_key(table) ? "pg_catalog.count(j.mg_id)" : "pg_catalog.count(DISTINCT j.mg_id)"},
         {"@pairs@", "pairs"},
         {"@mega@", qualified_table(table, schema)},
         {"@table@", from.readable(table)}});
}

} // namespace

std::string type_name(legacy table) {
    const auto type = definition_of(table).becomes;
    return type ? std::string(core::name(*type)) : std::string("customer");
}

namespace {

using optional_day = std::optional<std::int32_t>;

// The rows of a day: how many, and all their ids in one number, in which no order is seen.
struct ids_of_day {
    std::int64_t rows = 0, ids = 0;
    bool operator==(const ids_of_day &) const = default;
};
using days = std::map<optional_day, ids_of_day>;
using counts_by_day = std::map<optional_day, std::pair<std::int64_t, std::int64_t>>; // legacy's, mega's

// A setting's day stands in its payload.
bool has_days(const legacy_schema &from, legacy table) {
    return table != legacy::customers && table != legacy::runtime_config && table != legacy::app_config &&
           is_plain(from, table, definition_of(table).key);
}

// Behind LIMIT ALL the planner expects few days, else one for each row, and workers that would each tell them all.
constexpr const char *days_of_legacy =
    "SELECT t.day, pg_catalog.count(*), pg_catalog.bit_xor(t.id) FROM (SELECT @old@ AS day, "
    "pg_catalog.hashtextextended(('@prefix@' OPERATOR(pg_catalog.||) @id@) COLLATE pg_catalog.\"C\", 0) AS id FROM "
    "@table@ l LIMIT ALL) t GROUP BY t.day";

// Of all types at once. What opens balances is no row of legacy.
constexpr const char *days_of_mega =
    "SELECT t.day, pg_catalog.count(*), pg_catalog.bit_xor(t.id), t.type FROM (SELECT " DAY_OF(
        "m.mg_created_at") " AS "
                           "day, pg_catalog.hashtextextended(m.mg_id COLLATE pg_catalog.\"C\", 0) AS id, "
                           "m.mg_record_type AS type FROM ONLY "
                           "@mega@ m WHERE m.mg_source_system OPERATOR(pg_catalog.=) 'legacy' AND (m.mg_id COLLATE "
                           "pg_catalog.\"C\" "
                           "OPERATOR(pg_catalog.<) 'credit_transaction:opening:' OR m.mg_id COLLATE pg_catalog.\"C\" "
                           "OPERATOR(pg_catalog.>=) 'credit_transaction:opening;') LIMIT ALL) t GROUP BY t.day, t.type";

constexpr std::int64_t micros_of_day = SECS_PER_DAY * pg::microseconds_per_second;

optional_day day_in(const pg::rows &found, std::uint64_t row) {
    const auto beginning = found.time(row, 0);
    return beginning ? optional_day(static_cast<std::int32_t>(beginning->value / micros_of_day)) : std::nullopt;
}

class counting {
public:
    counting(pg::spi_connection &spi, const legacy_schema &from, Oid schema)
        : spi_(spi), from_(from), schema_(schema) {}

    std::vector<day_count> run() {
        for (std::size_t i = 0; i < legacy_tables; ++i)
            if (const auto table = static_cast<legacy>(i); from_.has(table))
                count(table);
        return std::move(all_);
    }

private:
    pg::rows read(const std::string &text) { return spi_.run_text(text, pg::access::read_only); }

    void count(legacy table) {
        counts_by_day found;
        if (!has_days(from_, table)) {
            add(found, read(counts_query(from_, schema_, table, {})));
        } else if (const auto differing = differing_days(table, found); !differing.empty()) {
            const std::string which = " WHERE " + among(differing, legacy_day(from_, table));
            add(found, read(counts_query(from_, schema_, table, which)));
        }
        for (const auto &[day, rows] : found)
            all_.push_back({day, type_name(table), rows.first, rows.second});
    }

    // Days on which both sides have the same ids are counted; rows of the others have to be joined.
    std::vector<optional_day> differing_days(legacy table, counts_by_day &found) {
        const days &mega = mega_days(table);
        std::vector<optional_day> differing;
        for (const auto &[day, one] : legacy_days(table))
            if (const auto there = mega.find(day); day && there != mega.end() && there->second == one)
                found[day] = {one.rows, one.rows};
            else
                differing.push_back(day);
        return differing;
    }

    static void add(counts_by_day &found, const pg::rows &rows) {
        for (std::uint64_t i = 0; i < rows.count(); ++i) {
            auto &one = found[day_in(rows, i)];
            one.first += rows.int8(i, 1).value_or(0);
            one.second += rows.int8(i, 2).value_or(0);
        }
    }

    // A condition that the day is one of these.
    static std::string among(const std::vector<optional_day> &some, const std::string &day) {
        std::string list, none = "false";
        for (const optional_day &one : some)
            if (one)
                list += (list.empty() ? "" : ",") + std::to_string(*one);
            else
                none = "(" + day + ") IS NULL";
        return list.empty() ? none
                            : "((" + day +
                                  ")::pg_catalog.date OPERATOR(pg_catalog.-) '2000-01-01'::pg_catalog.date) "
                                  "OPERATOR(pg_catalog.=) ANY ('{" +
                                  list + "}'::pg_catalog.int4[]) OR " + none;
    }

    days legacy_days(legacy table) {
        const pg::rows found = read(filled(days_of_legacy, {{"@old@", legacy_day(from_, table)},
                                                            {"@id@", plain_text(definition_of(table).key)},
                                                            {"@prefix@", prefix_of(table)},
                                                            {"@table@", from_.readable(table)}}));
        days all;
        for (std::uint64_t i = 0; i < found.count(); ++i)
            all[day_in(found, i)] = {found.int8(i, 1).value_or(0), found.int8(i, 2).value_or(0)};
        return all;
    }

    // Of mega's table all at once, when the first is asked for.
    const days &mega_days(legacy table) {
        const std::string name = qualified_table(table, schema_);
        if (read_.insert(name).second) {
            const pg::rows found = read(filled(days_of_mega, {{"@mega@", name}}));
            for (std::uint64_t i = 0; i < found.count(); ++i)
                mega_[std::string(found.text(i, 3).value_or(""))][day_in(found, i)] = {found.int8(i, 1).value_or(0),
                                                                                       found.int8(i, 2).value_or(0)};
        }
        return mega_[type_name(table)];
    }

    pg::spi_connection &spi_;
    const legacy_schema &from_;
    const Oid schema_;
    std::set<std::string> read_;
    std::map<std::string, days> mega_; // by record type
    std::vector<day_count> all_;
};

} // namespace

std::vector<day_count> count_days(pg::spi_connection &spi, const legacy_schema &from, Oid schema) {
    std::vector<day_count> all = counting(spi, from, schema).run();
    std::ranges::sort(all, [](const day_count &a, const day_count &b) {
        return std::tuple(!a.day, a.day.value_or(0), std::string_view(a.record_type)) <
               std::tuple(!b.day, b.day.value_or(0), std::string_view(b.record_type));
    });
    return all;
}

} // namespace mega::moving
