// Enforcement: validates, locks and adds the rules that no row breaks.
#include "schema/enforcement.hpp"

#include "pg/clock.hpp"
#include "pg/subtransaction.hpp"

namespace mega::schema {

namespace {

using kind = open_rule::kind;

std::string_view state_of(const pg::pg_error &error) {
    return error.data == nullptr ? "53200" : unpack_sql_state(error.data->sqlerrcode);
}

// Runs the command in a subtransaction. '' when it was done; what Postgres says when it refused. What is not about the
// rows or the definition (a cancel, a deadlock) goes on.
std::string refusal_of(pg::spi_connection &spi, const std::string &command) {
    const auto failed = pg::in_subtransaction([&] { spi.run_text(command); });
    if (!failed)
        return {};
    for (const std::string_view mine : {"0A", "22", "23", "2B", "42", "54"})
        if (state_of(*failed).starts_with(mine))
            return failed->data->message;
    throw *failed;
}

void set_lock_timeout(pg::spi_connection &spi, const std::string &milliseconds) {
    spi.run_text("SELECT pg_catalog.set_config('lock_timeout', '" + milliseconds + "', true)");
}

} // namespace

void lock_tables(pg::spi_connection &spi, std::span<const table_lock> wanted) {
    constexpr std::int64_t patience = 15000; // milliseconds
    if (wanted.empty())
        return;
    spi.connect();
    // This one stops no writer, and sends an autovacuum away that short attempts would never outlast.
    for (const table_lock &lock : wanted)
        spi.run_text("LOCK TABLE ONLY " + lock.table + " IN SHARE UPDATE EXCLUSIVE MODE");
    const std::string own(
        *spi.run_text(
                "SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name OPERATOR(pg_catalog.=) 'lock_timeout'")
             .text(0, 0));
    const std::int64_t limit = own == "0" ? patience : std::stoll(own);
    const pg::timestamp begin = pg::clock_time();
    for (;;) {
        const auto failed = pg::in_subtransaction([&] {
            set_lock_timeout(spi, "25");
            for (const table_lock &lock : wanted)
                spi.run_text("LOCK TABLE ONLY " + lock.table + " IN " + lock.mode + " MODE");
            set_lock_timeout(spi, own);
        });
        if (!failed)
            return;
        if (state_of(*failed) != "55P03")
            throw *failed;
        if (pg::clock_time().value - begin.value > limit * 1000)
            throw pg::sql_error{"55P03",
                                "the tables are in use by a transaction that stays open",
                                {},
                                "pg_stat_activity shows it by its xact_start; try again when it has ended."};
        spi.run_text("SELECT pg_catalog.pg_sleep(0.05)");
    }
}

bool enforcement::runs(std::size_t rule) const {
    return rules_[rule].what != kind::by_trigger && rules_[rule].way_to_enforce() != way::not_yet &&
           refused_[rule].empty();
}

void enforcement::validate() {
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (runs(i) && rules_[i].way_to_enforce() == way::validated)
            refused_[i] =
                refusal_of(spi_, "ALTER TABLE " + table_.qualified() + " VALIDATE CONSTRAINT " + rules_[i].waiting);
}

const char *enforcement::lock_mode() const {
    const char *mode = nullptr;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!runs(i) || (rules_[i].way_to_enforce() == way::validated && rules_[i].witness.empty()))
            continue;
        if (rules_[i].what != kind::unique_index || !rules_[i].before.empty() || !rules_[i].behind.empty())
            return "ACCESS EXCLUSIVE";
        mode = "SHARE";
    }
    return mode;
}

void enforcement::add() {
    const std::string alter = "ALTER TABLE " + table_.qualified() + " ";
    std::string together;
    const auto in_one = [&](const open_rule &rule) {
        return rule.what != kind::unique_index && rule.before.empty() && rule.behind.empty() &&
               rule.way_to_enforce() != way::validated;
    };
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (runs(i) && in_one(rules_[i]))
            together += (together.empty() ? alter : ", ") +
                        (rules_[i].way_to_enforce() == way::for_new ? rules_[i].unchecked : rules_[i].clause);
    // When one is refused, because a row came in meanwhile, the others are still worth having.
    const bool one_by_one = !together.empty() && !refusal_of(spi_, together).empty();
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!runs(i))
            continue;
        const open_rule &rule = rules_[i];
        const bool is_done =
            in_one(rule) ? !one_by_one : rule.way_to_enforce() == way::validated && rule.witness.empty();
        if (!is_done)
            refused_[i] = refusal_of(spi_, rule.command(table_));
        if (refused_[i].empty())
            comment(rule);
    }
}

void enforcement::comment(const open_rule &rule) {
    if (rule.what == kind::unique_index)
        comment_on(spi_, "INDEX " + pg::with_schema_name("@schema@.", table_.schema) + rule.object, rule.comment);
    else if (rule.what == kind::not_null && rule.way_to_enforce() == way::for_new)
        comment_on(spi_, "CONSTRAINT " + rule.witness + " ON " + table_.qualified(),
                   "Becomes NOT NULL when mega_validate has looked at every row.");
    else if (rule.what != kind::not_null && rule.way_to_enforce() != way::validated)
        comment_on(spi_, "CONSTRAINT " + rule.object + " ON " + table_.qualified(), rule.comment);
}

} // namespace mega::schema
