// Counts what an import found and did, and tells it as a document.
#include "moving/import_report.hpp"

#include "schema/rules.hpp"

namespace mega::moving {

namespace {

// What an audit keeps of an example: the row's id, unless that is somebody's address. What is behind it is what the row
// says, which an erasure would not find there.
std::optional<std::string_view> lasting_part(std::string_view example) {
    const std::string_view id = example.substr(0, example.find(": "));
    return id.find('@') == std::string_view::npos ? std::optional(id) : std::nullopt;
}

void add_tallies(pg::json_builder &out, const char *name, const std::map<std::string_view, tally> &all,
                 audience whose) {
    out.key(name).begin_object();
    for (const auto &[what, one] : all) {
        out.key(what).begin_object();
        out.key("rows").number(one.rows);
        out.key("examples").begin_array();
        for (const std::string &example : one.examples)
            if (const auto part = whose == audience::audit ? lasting_part(example) : std::string_view(example))
                out.text(*part);
        out.end_array().end_object();
    }
    out.end_object();
}

void add_table(pg::json_builder &out, const table_report &table, audience whose) {
    out.begin_object();
    out.key("read").number(table.read).key("written").number(table.written).key("there").number(table.there);
    out.key("changed").number(table.changed).key("brought").number(table.brought);
    add_tallies(out, "mended", table.mended, whose);
    add_tallies(out, "refused", table.refused, whose);
    out.key("differing").begin_array();
    for (const difference &one : table.differing) {
        out.begin_object();
        if (whose == audience::caller || lasting_part(one.id))
            out.key("id").text(one.id);
        out.key("field").text(one.field);
        if (whose == audience::caller)
            out.key("legacy").text_or_null(one.legacy).key("mega").text_or_null(one.mega);
        out.end_object();
    }
    out.end_array().end_object();
}

void merge(std::map<std::string_view, tally> &all, const std::map<std::string_view, tally> &others) {
    for (const auto &[what, one] : others)
        all[what].add(one);
}

} // namespace

void tally::add(const tally &other) {
    rows += other.rows;
    for (const std::string &example : other.examples)
        if (examples.size() < most_examples)
            examples.push_back(example);
}

void table_report::add(const table_report &other) {
    read += other.read;
    written += other.written;
    there += other.there;
    changed += other.changed;
    brought += other.brought;
    merge(mended, other.mended);
    merge(refused, other.refused);
    for (const difference &one : other.differing)
        differ(one);
}

void import_report::add(const import_report &other) {
    for (std::size_t i = 0; i < legacy_tables; ++i)
        tables_[i].add(other.tables_[i]);
    for (const person &one : other.people_)
        if (people_.size() < tally::most_examples)
            people_.push_back(one);
    persons_ += other.persons_;
    openings_ += other.openings_;
    opened_ += other.opened_;
    refused_now_ = refused_now_ || other.refused_now_;
}

bool import_report::changed_anything() const {
    return openings_ > 0 || refused_now_ ||
           std::ranges::any_of(tables_, [](const table_report &one) { return one.written > 0 || one.brought > 0; });
}

pg::jsonb import_report::document(const legacy_schema &from, audience whose) const {
    pg::json_builder out;
    out.begin_object();
    out.key("legacy_schema").text(from.name());
    out.key("tables").begin_object();
    for (std::size_t i = 0; i < legacy_tables; ++i)
        if (const auto table = static_cast<legacy>(i); from.wants(table)) {
            out.key(definition_of(table).name);
            add_table(out, tables_[i], whose);
        }
    out.end_object();
    out.key("openings").begin_object();
    out.key("rows").number(openings_).key("credits").number(opened_);
    out.end_object();
    out.key("persons").begin_object();
    out.key("rows").number(persons_);
    out.key("examples").begin_array();
    for (const person &one : people_) {
        out.begin_object();
        if (whose == audience::caller || lasting_part(one.value))
            out.key(one.by).text(one.value);
        out.key("pass_ids").begin_array().text(one.first).text(one.second).end_array();
        out.key("hint").text("mega_merge_customers(" + schema::sql_literal(one.second) + ", " +
                             schema::sql_literal(one.first) + ")");
        out.end_object();
    }
    out.end_array().end_object();
    return out.end_object().finish();
}

} // namespace mega::moving
