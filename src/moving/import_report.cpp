// Counts what an import found and did, and tells it as a document.
#include "moving/import_report.hpp"

namespace mega::moving {

namespace {

void count(pg::json_builder &out, const char *name, std::int64_t number) {
    out.key(name).number(std::to_string(number));
}

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
        count(out, "rows", one.rows);
        out.key("examples").begin_array();
        for (const std::string &example : one.examples)
            if (const auto part = whose == audience::audit ? lasting_part(example) : std::string_view(example))
                out.text(*part);
        out.end_array().end_object();
    }
    out.end_object();
}

void add_value(pg::json_builder &out, const char *name, const std::optional<std::string> &value) {
    out.key(name);
    if (value)
        out.text(*value);
    else
        out.null();
}

void add_table(pg::json_builder &out, const table_report &table, audience whose) {
    out.begin_object();
    count(out, "read", table.read);
    count(out, "written", table.written);
    count(out, "there", table.there);
    count(out, "changed", table.changed);
    count(out, "brought", table.brought);
    add_tallies(out, "mended", table.mended, whose);
    add_tallies(out, "refused", table.refused, whose);
    out.key("differing").begin_array();
    for (const difference &one : table.differing) {
        out.begin_object();
        if (whose == audience::caller || lasting_part(one.id))
            out.key("id").text(one.id);
        out.key("field").text(one.field);
        if (whose == audience::caller) {
            add_value(out, "legacy", one.legacy);
            add_value(out, "mega", one.mega);
        }
        out.end_object();
    }
    out.end_array().end_object();
}

void merge(std::map<std::string_view, tally> &all, const std::map<std::string_view, tally> &others) {
    for (const auto &[what, one] : others)
        all[what].add(one);
}

std::string literal(const std::string &text) {
    return pg::call([&text] { return static_cast<const char *>(quote_literal_cstr(text.c_str())); });
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

std::string import_report::line(legacy table) const {
    const table_report &one = of(table);
    return std::to_string(one.written) + " written, " + std::to_string(one.there) + " there";
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
    count(out, "rows", openings_);
    count(out, "credits", opened_);
    out.end_object();
    out.key("persons").begin_object();
    count(out, "rows", persons_);
    out.key("examples").begin_array();
    for (const person &one : people_) {
        out.begin_object();
        if (whose == audience::caller || lasting_part(one.value))
            out.key(one.by).text(one.value);
        out.key("pass_ids").begin_array().text(one.first).text(one.second).end_array();
        out.key("hint").text("mega_merge_customers(" + literal(one.second) + ", " + literal(one.first) + ")");
        out.end_object();
    }
    out.end_array().end_object();
    return out.end_object().finish();
}

} // namespace mega::moving
