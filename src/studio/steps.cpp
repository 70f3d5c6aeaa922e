// mega_append_mma_steps: many steps of one generation, all or none, under one lock.
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/url_rule.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/settings.hpp"
#include "studio/entries.hpp"
#include "studio/step.hpp"

#include <map>
#include <set>

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr std::string_view members[] = {"step_type", "input",   "output",   "error", "started_at",
                                        "ended_at",  "at_step", "provider", "model", "mma_status"};

step read_entry(const entry &given) {
    given.refuse_others(members);
    step read;
    read.type = ledger::require("step_type", given.text("step_type"));
    read.input = ledger::require_object("input", given.document("input"));
    read.output = ledger::require_object("output", given.document("output"));
    read.error = given.document("error");
    read.started_at = given.time("started_at");
    read.ended_at = given.time("ended_at");
    read.number = given.number("at_step");
    read.provider = given.text("provider");
    read.model = given.text("model");
    read.status = given.text("mma_status");
    if (!may_be_there(read))
        check(read);
    return read;
}

// Appends steps together; their numbers are looked for once.
class appender {
public:
    appender(ledger::store &store, locked_generation &generation, std::span<const step> all)
        : store_(store), generation_(generation) {
        rows_.reserve(std::min(all.size(), most_rows));
        look_for(all);
    }

    // False when the step was there.
    bool append(const step &what) {
        if (what.number && is_there(what))
            return false;
        if (!what.number && next_ == unknown) {
            write();
            next_ = next_number(store_, generation_.id());
        }
        refuse_secrets(what);
        const std::int32_t number = what.number ? *what.number : next_;
        rows_.push_back(row_of(what, generation_, number));
        numbers_.insert(number);
        move(store_, generation_, what);
        if (next_ != unknown && number >= next_)
            next_ = number == PG_INT32_MAX ? unknown : number + 1;
        if (rows_.size() == most_rows)
            write();
        return true;
    }

    void write() {
        store_.append_many(rows_);
        rows_.clear();
        may_be_there_.merge(numbers_);
    }

private:
    // In the ledger, or in this call. A new one is checked.
    bool is_there(const step &what) {
        if (numbers_.contains(*what.number))
            write();
        if (may_be_there_.contains(*what.number))
            return is_replay(store_, generation_, what);
        check(what);
        return false;
    }

    // Where they are refused, while it is known whose entry has them.
    static void refuse_secrets(const step &what) {
        if (payload_urls_setting() != payload_urls::reject)
            return;
        for (const auto &given : {std::optional(what.input), std::optional(what.output), what.error})
            if (given)
                ledger::payload_to_store("mg_payload", *given);
    }

    // The numbers that the ledger may have.
    void look_for(std::span<const step> all) {
        std::map<std::string, std::int32_t, std::less<>> ids;
        for (const step &what : all)
            if (may_be_there(what))
                ids.try_emplace(mg_id_of(generation_, *what.number), *what.number);
        if (ids.empty())
            return;
        std::vector<std::string_view> texts;
        for (const auto &one : ids)
            texts.emplace_back(one.first);
        const auto found = std::make_unique<bool[]>(texts.size());
        store_.may_have_ids(texts, {found.get(), texts.size()});
        for (std::size_t i = 0; i < texts.size(); ++i)
            if (found[i])
                may_be_there_.insert(ids.find(texts[i])->second);
    }

    static constexpr std::size_t most_rows = 1000;
    static constexpr std::int32_t unknown = -1;

    ledger::store &store_;
    locked_generation &generation_;
    std::int32_t next_ = unknown;
    std::vector<ledger::new_row> rows_; // on their way, and their numbers
    std::set<std::int32_t> numbers_, may_be_there_;
};

Datum append_mma_steps(FunctionCallInfo fcinfo) {
    using in = arguments::append_mma_steps;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    std::vector<step> all;
    for_each_entry("steps", ledger::require("steps", given.json(in::steps)),
                   [&](const entry &one) { all.push_back(read_entry(one)); });
    ledger::call call(fcinfo, schema::written::ledger);
    locked_generation generation(call.store(), id, given.text(in::pass_id));
    appender appending(call.store(), generation, all);
    std::int32_t written = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        pg::check_for_interrupts();
        written += at_entry(i + 1, [&] { return appending.append(all[i]); }) ? 1 : 0;
    }
    appending.write();
    call.finish();
    return pg::return_row(fcinfo, written, static_cast<std::int32_t>(all.size()) - written);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_append_mma_steps, mega::studio::append_mma_steps);
