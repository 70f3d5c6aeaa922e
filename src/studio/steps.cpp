// mega_append_mma_steps: many steps of one generation, all or none, under one lock.
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/entries.hpp"
#include "studio/step.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr std::string_view members[] = {"step_type", "input",   "output",   "error", "started_at",
                                        "ended_at",  "at_step", "provider", "model", "mma_status"};

step read_entry(const entry &given) {
    given.refuse_others(members, "mega_append_mma_step");
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

// Appends steps one behind the other; their numbers are looked for once.
class appender {
public:
    appender(ledger::store &store, locked_generation &generation) : store_(store), generation_(generation) {}

    // False when the step was there.
    bool append(const step &what) {
        if (is_replay(store_, generation_, what))
            return false;
        if (!what.number && next_ == unknown)
            next_ = next_number(store_, generation_.id());
        const std::int32_t number = what.number ? *what.number : next_;
        const bool appended = studio::append(store_, generation_, what, number);
        if (next_ != unknown && number >= next_)
            next_ = number == PG_INT32_MAX ? unknown : number + 1;
        return appended;
    }

private:
    ledger::store &store_;
    locked_generation &generation_;
    static constexpr std::int32_t unknown = -1;
    std::int32_t next_ = unknown;
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
    appender appending(call.store(), generation);
    std::int32_t written = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        pg::check_for_interrupts();
        written += at_entry(i + 1, [&] { return appending.append(all[i]); }) ? 1 : 0;
    }
    call.finish();
    return pg::return_row(fcinfo, written, static_cast<std::int32_t>(all.size()) - written);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_append_mma_steps, mega::studio::append_mma_steps);
