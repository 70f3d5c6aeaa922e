// mega_import: the ten legacy tables come over, batch by batch, each committed.
#include "function_arguments.hpp"
#include "moving/import_customers.hpp"
#include "moving/import_progress.hpp"
#include "moving/import_studio.hpp"
#include "moving/legacy_sql.hpp"
#include "moving/news.hpp"

#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/lock_kinds.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/procedure.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"
#include "pg/subtransaction.hpp"
#include "pg/warning.hpp"

namespace mega::moving {

namespace {

// Thrown where a time that has not come yet needs another one, which takes a look over the table.
struct needs_newest {
    legacy table;
};

struct failed_batch {
    enum class kind { none, newest, again, data } what = kind::none;
    legacy table{};
    std::string told;
};

class importer {
public:
    importer(FunctionCallInfo fcinfo, const import_task &task, std::uint64_t batch_size)
        : function_(fcinfo->flinfo->fn_oid), schema_(pg::schema_of_function(function_)), task_(task),
          batch_size_(batch_size) {}

    import_report run() {
        const auto newest = [this](legacy table) { return newest_of(table); };
        const legacy_schema &from = task_.from;
        look_for_erased();
        const bool customers = from.wants(legacy::customers), credits = from.wants(legacy::credit_transactions);
        if (customers || credits) {
            import_customers both(newest);
            std::vector<legacy> tables;
            for (const legacy table : {legacy::customers, legacy::credit_transactions})
                if (from.wants(table))
                    tables.push_back(table);
            run_tables(both, tables);
        }
        if (customers)
            find_persons();
        for (const legacy table : {legacy::sessions, legacy::generations, legacy::feedback}) {
            import_studio studio(table, newest);
            if (from.wants(table))
                run_tables(studio, std::span(&table, 1));
        }
        for (auto table = legacy::runtime_config; table != legacy::count; table = next(table)) {
            import_office office(table, newest);
            if (from.wants(table))
                run_tables(office, std::span(&table, 1));
        }
        tell_result();
        across_.finish();
        return std::move(report_);
    }

private:
    static legacy next(legacy table) { return static_cast<legacy>(static_cast<int>(table) + 1); }

    std::optional<pg::timestamp> newest_of(legacy table) const {
        const auto &known = newest_[static_cast<std::size_t>(table)];
        if (!known)
            throw needs_newest{table};
        return *known;
    }

    void look_for_erased() {
        pg::held_rows found(across_, erased_keys_query(schema_), {}, {});
        erased_keys_ = ids_of(found.fetch(static_cast<long>(found.count())));
        found.free();
        found.close();
    }

    void look_for_newest(legacy table) {
        auto &known = newest_[static_cast<std::size_t>(table)];
        known.emplace();
        if (!task_.from.tells_times(table))
            return;
        constexpr Oid type[] = {TIMESTAMPTZOID};
        const pg::nullable_datum value[] = {pg::to_datum(task_.began)};
        pg::held_rows found(across_, newest_query(task_.from, table), type, value);
        *known = found.fetch(1).time(0, 0);
        found.free();
        found.close();
    }

    // Rows that are there as they were brought are counted, not read.
    void run_tables(table_import &rows, std::span<const legacy> tables) {
        activity_.show("mega_import: reads " + std::string(definition_of(rows.table()).name));
        const news fresh(task_.from, schema_, tables, noted_);
        const import_report before = report_;
        if (!fresh.nothing()) {
            doubled_.look(task_.from, tables);
            run_query(rows, fresh);
        } else if (fresh.rows() > 0)
            progress(rows.table(), 0, static_cast<std::uint64_t>(fresh.rows())).tell(0, activity_);
        for (const legacy table : tables)
            if (fresh.few())
                report_.leave_out(table, std::max<std::int64_t>(0, fresh.rows(table) - report_.of(table).read +
                                                                       before.of(table).read));
    }

    pg::held_rows read(legacy table, const news &fresh) {
        const bool few = fresh.few();
        if (table != legacy::customers) {
            constexpr Oid type[] = {TEXTARRAYOID};
            const pg::nullable_datum value[] = {pg::to_datum(fresh.ids(table))};
            const std::size_t given = few ? 1 : 0;
            return {across_, studio_query(task_.from, schema_, table, few), std::span(type).first(given),
                    std::span(value).first(given)};
        }
        constexpr Oid types[] = {JSONBOID, TEXTARRAYOID, TEXTARRAYOID};
        const pg::nullable_datum values[] = {pg::to_datum(task_.reasons), pg::to_datum(fresh.ids(legacy::customers)),
                                             pg::to_datum(fresh.ids(legacy::credit_transactions))};
        return {across_,
                customers_query(task_.from, schema_, task_.from.wants(legacy::customers),
                                task_.from.wants(legacy::credit_transactions), few),
                types, values};
    }

    void run_query(table_import &rows, const news &fresh) {
        pg::held_rows source = read(rows.table(), fresh);
        const auto all = static_cast<std::uint64_t>(fresh.few() ? fresh.rows() : 0);
        const progress shown(rows.table(), source.count(), all > source.count() ? all - source.count() : 0);
        std::uint64_t position = 0, limit = batch_size_, planned = 0;
        care mode = care::none;
        std::string refusal;
        for (int repeats = 0; position < source.count();) {
            std::uint64_t done = 0;
            const failed_batch failed = run_batch(rows, source, mode, refusal, limit, done);
            if (failed.what == failed_batch::kind::none) {
                position += done;
                source.back_to(position);
                across_.commit();
                if (position >= 2 * planned) { // the tables have grown
                    across_.plan_anew();
                    planned = position;
                }
                shown.tell(position, activity_);
                repeats = 0;
                mode = care::none;
                limit = std::min(batch_size_, limit * 2);
                continue;
            }
            source.back_to(position);
            if (failed.what == failed_batch::kind::newest)
                look_for_newest(failed.table);
            else if (failed.what == failed_batch::kind::data)
                come_closer(failed, done, mode, limit, refusal);
            else if (++repeats > 100)
                throw pg::sql_error{"40001", "a batch could not be written beside others", failed.told, "Try again."};
        }
        source.close();
    }

    // Behind a fault of data: half as many rows at once, until the one at fault stands alone; that is tried once more
    // by itself, then refused.
    static void come_closer(const failed_batch &failed, std::uint64_t done, care &mode, std::uint64_t &limit,
                            std::string &refusal) {
        switch (mode) {
        case care::none:
            if (done <= 1 || limit == 1)
                mode = care::each_row;
            limit = mode == care::none ? std::max<std::uint64_t>(std::min(limit, done) / 2, 1) : 1;
            break;
        case care::each_row:
            mode = care::refuse;
            refusal = failed.told;
            break;
        case care::refuse:
            throw pg::sql_error{"55000", "mega_admin does not take the note of a row that was refused",
                                failed.told + ". The row was refused for: " + refusal,
                                "See which constraints and triggers of your own mega_admin has."};
        }
    }

    // Runs one batch in a subtransaction. What it wrote is rolled back when it fails. done: how many rows were taken,
    // the one at fault included.
    failed_batch run_batch(table_import &rows, pg::held_rows &source, care mode, const std::string &refusal,
                           std::uint64_t limit, std::uint64_t &done) {
        failed_batch failed;
        batches_.run([&](pg::spi_connection &spi) {
            spi.connect();
            const schema::table_catalog where = schema::guarded_catalog_of(function_, schema::written::imported);
            const auto store = ledger::open_store(spi, where);
            import_report counts;
            batch into{*store, where, task_, counts, mode, refusal, erased_keys_, doubled_};
            try {
                const auto error = pg::in_subtransaction([&] { go_through(rows, source, into, limit, done); });
                if (error && !(error->data && judge(error->data->sqlerrcode, error->data->message, failed)))
                    throw *error;
            } catch (const pg::sql_error &error) {
                if (!judge(error.state.code, error.message.c_str(), failed))
                    throw;
            } catch (const needs_newest &need) {
                failed = {failed_batch::kind::newest, need.table, {}};
            }
            if (failed.what == failed_batch::kind::none)
                report_.add(counts);
        });
        return failed;
    }

    // What failed so; false when that ends the import.
    static bool judge(int state, const char *message, failed_batch &failed) {
        if (state == ERRCODE_T_R_SERIALIZATION_FAILURE || state == ERRCODE_T_R_DEADLOCK_DETECTED)
            failed = {failed_batch::kind::again, {}, message};
        else if (is_fault_of_data(state))
            failed = {failed_batch::kind::data, {}, told(state, message)};
        else
            return false;
        return true;
    }

    void find_persons() {
        pg::held_rows found(across_, persons_query(task_.from, schema_), {}, {});
        for (std::uint64_t left = found.count(); left > 0;) {
            const pg::rows some = found.fetch(1000);
            for (std::uint64_t i = 0; i < some.count(); ++i)
                report_.add_person(
                    {std::string(some.text(i, 0).value_or("")), std::string(some.text(i, 1).value_or("")),
                     std::string(some.text(i, 2).value_or("")), std::string(some.text(i, 3).value_or(""))});
            left -= some.count();
            found.free();
        }
        found.close();
    }

    // What an import did stays to be read, if it did anything.
    void tell_result() {
        if (!report_.changed_anything())
            return;
        batches_.run([&](pg::spi_connection &spi) {
            const schema::table_catalog where = schema::guarded_catalog_of(function_, schema::written::admins);
            ledger::append_audit(spi, where, {"import", std::nullopt, report_.document(task_.from, audience::audit)},
                                 std::nullopt);
        });
        across_.commit();
    }

    const Oid function_;
    const Oid schema_;
    const import_task &task_;
    set_of_ids erased_keys_; // digests of pass ids; what is erased meanwhile is not among them
    const std::uint64_t batch_size_;
    pg::procedure across_;
    pg::rounds batches_; // in the memory of the procedure
    pg::shown_activity activity_;
    import_report report_;
    noted_digests noted_;
    doubled_keys doubled_;
    std::array<std::optional<std::optional<pg::timestamp>>, legacy_tables> newest_{};
};

std::optional<std::vector<std::string>> names_of(const pg::arguments &given, int i) {
    if (given.is_null(i))
        return std::nullopt;
    const Datum array = given.call_info()->args[i].value;
    struct {
        Datum *items;
        bool *nulls;
        int count;
    } found{};
    pg::call([&] {
        deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &found.items, &found.nulls,
                          &found.count);
    });
    std::vector<std::string> names;
    for (int k = 0; k < found.count; ++k)
        if (!found.nulls[k])
            names.emplace_back(pg::text_of(found.items[k]));
    return names;
}

// Legacy reasons by the ones that live calls use: texts by texts.
std::optional<pg::jsonb> mapping_of(const pg::arguments &given, int i) {
    const auto mapping = given.json(i);
    const pg::jsonb object = ledger::require_object("mapping", mapping);
    pg::for_each_member(pg::root_of(object), [](std::string_view key, const pg::json_value &value) {
        if (!value.is_string())
            throw pg::sql_error{ledger::bad_argument, "mapping must give a reason for each reason",
                                "key=" + pg::quoted(key) + " is of type " + value.type_name() + ".",
                                "Give texts, for example {\"purchase\": \"topup\"}."};
        ledger::check_text("mapping", value.string(), ledger::bad_argument);
    });
    return object;
}

// A missing column is normal; this one is more likely called otherwise.
void warn_of_nobodys(const legacy_schema &from) {
    constexpr legacy credits = legacy::credit_transactions;
    if (from.wants(credits) && from.column(credits, "shopify_customer_id") == nullptr)
        pg::warn("the table " + from.qualified(credits) +
                     " has no column shopify_customer_id: its credits are nobody's",
                 "A view of the table, in a schema of its own, can have it.");
}

Datum import(FunctionCallInfo fcinfo) {
    using in = arguments::import;
    const pg::arguments given(fcinfo);
    if (!pg::may_commit(fcinfo))
        throw pg::sql_error{"25001",
                            "mega_import cannot run inside a transaction block",
                            {},
                            "It commits batch by batch: CALL it by itself."};
    if (given.is_null(in::legacy_schema))
        throw pg::sql_error{ledger::bad_argument, "legacy_schema must not be NULL", {}, {}};
    const std::string name = NameStr(*DatumGetName(fcinfo->args[in::legacy_schema].value));
    const std::int32_t batch_size = given.int4(in::batch_size).value_or(5000);
    if (batch_size < 1)
        throw pg::sql_error{
            ledger::bad_argument, "batch_size must be above zero", "batch_size=" + std::to_string(batch_size), {}};
    const Oid function = fcinfo->flinfo->fn_oid;
    schema::guarded_catalog_of(function, schema::written::imported); // refuses before anything is read
    const legacy_schema from(name, names_of(given, in::tables));
    warn_of_nobodys(from);
    const import_task task{from, pg::clock_time(), mapping_of(given, in::mapping)};
    pg::session_lock only(ledger::lock_kind::import, pg::schema_of_function(function),
                          "another session imports already", "Wait for it; one import at a time.");
    const import_report report = importer(fcinfo, task, static_cast<std::uint64_t>(batch_size)).run();
    only.release();
    return pg::return_row(fcinfo, report.document(from, audience::caller));
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_import, mega::moving::import);
