// What the mappings of all tables share: times, texts for keys.
#pragma once

#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "moving/mapping.hpp"
#include "pg/clock.hpp"

namespace mega::moving {

inline constexpr pg::timestamp epoch{-pg::unix_epoch_offset};

inline bool is_ahead(pg::timestamp time, const terms &by) { return time.value > by.now.value + ledger::most_ahead; }

// A time that is one and has passed.
inline std::optional<pg::timestamp> sane(const legacy_row &row, const char *name, const terms &by) {
    const auto time = row.time(name);
    return time && pg::is_finite(*time) && !is_ahead(*time, by) ? time : std::nullopt;
}

// When the row was made. Of what has no such time, or one that has not come yet, the change's time stands for it, else
// the beginning of time, else the newest one of the table: whichever call brings the row, it is the same.
template <class Column>
pg::timestamp made_at(const legacy_row &row, const char *name, const char *other, const terms &by,
                      mapped<Column> &out) {
    if (const auto time = sane(row, name, by))
        return *time;
    const auto written = row.time(name);
    const bool future = written && (is_ahead(*written, by) && written->value != DT_NOBEGIN);
    out.mend(future ? how::future_time : how::null_time, std::string(name) + "=" + row.text(name).value_or("NULL"));
    if (other != nullptr)
        if (const auto time = sane(row, other, by))
            return *time;
    return future ? by.newest().value_or(epoch) : epoch;
}

// Another time of the row, which may be unknown.
template <class Column>
std::optional<pg::timestamp> time_of(const legacy_row &row, const char *name, pg::timestamp made, const terms &by,
                                     mapped<Column> &out) {
    const auto written = row.time(name);
    if (!written)
        return std::nullopt;
    if (const auto time = sane(row, name, by))
        return time;
    const bool never = written->value == DT_NOBEGIN;
    out.mend(never ? how::null_time : how::future_time, std::string(name) + "=" + row.text(name).value_or("NULL"));
    return never ? std::nullopt : std::optional(made);
}

template <class Column>
void set_times(const legacy_row &row, const terms &by, mapped<Column> &out, Column created, Column updated) {
    const pg::timestamp made = made_at(row, "created_at", "updated_at", by, out);
    out.set("created_at", created, made);
    out.set("updated_at", updated, time_of(row, "updated_at", made, by, out).value_or(made));
}

// A document that is kept as its text.
template <class Column> void note_unfit_json(const legacy_row &row, const char *name, mapped<Column> &out) {
    const auto document = row.value(name);
    if (document && document->is_object() && pg::find(document->container(), MEGA_UNFIT_JSON))
        out.mend(how::unfit_json, name);
}

// A text that has to be fit for a key; what is not stays in the payload.
template <class Column> std::optional<std::string> fit(const legacy_row &row, const char *name, mapped<Column> &out) {
    const auto text = row.text(name);
    if (!text || core::check_text(*text) == core::text_fault::none)
        return text;
    if (core::check_text(*text) != core::text_fault::blank)
        out.mend(how::unfit_text, std::string(name) + "=" + std::string(core::beginning_of(*text, 60)));
    return std::nullopt;
}

} // namespace mega::moving
