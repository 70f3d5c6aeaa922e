// Reads the shape of an index, and finds one that does the same under another name.
#include "schema/indexes.hpp"

#include "core/text_rule.hpp"
#include "pg/relation.hpp"
#include "pg/version.hpp"
#include "schema/settings.hpp"

#include <set>

namespace mega::schema {

namespace {

constexpr std::string_view keyed_mark = "@keyed@";

// The position of the parenthesis that closes the one at `open`.
std::size_t closing(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
        depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return text.size();
}

// What begins with the columns' parenthesis, in its parts.
void read_columns(std::string_view text, index_shape &shape) {
    const std::size_t end = closing(text, text.find('('));
    const std::size_t begin = text.find('(') + 1;
    shape.columns = text.substr(begin, end - begin);
    const std::string_view rest = text.substr(std::min(end + 1, text.size()));
    if (const std::size_t where = rest.find("WHERE "); where != std::string_view::npos)
        shape.predicate = rest.substr(where + 6);
}

// A definition without what may be written one way or another: blanks, parentheses, quotes, casts to text, upper case.
// Two different conditions would be alike only if they had an OR; ours have none.
std::string plain(std::string_view text) {
    const std::string without_schema = as_postgres_says(std::string(text));
    text = without_schema;
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("::text"))
            i += text.substr(i + 6).starts_with("[]") ? 7 : 5;
        else if (text[i] != ' ' && text[i] != '(' && text[i] != ')' && text[i] != '"')
            result += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + ('a' - 'A')) : text[i];
    }
    return result;
}

// The words of a list, once each, in order.
std::set<std::string> words_of(std::string_view list) {
    std::set<std::string> words;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (const std::string_view word = core::trim_spaces(list.substr(0, comma)); !word.empty())
            words.emplace(word);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return words;
}

// A word in an array's literal, quoted where Postgres would.
std::string as_element(std::string_view word) {
    const bool plain_word = word.find_first_of(" \t\n\v\f\r") == std::string_view::npos &&
                            pg_strcasecmp(std::string(word).c_str(), "null") != 0;
    return plain_word ? std::string(word) : '"' + std::string(word) + '"';
}

std::string without_condition(std::string_view definition) {
    std::string text(definition);
    if (const std::size_t at = text.find(keyed_mark); at != std::string::npos)
        text.erase(at, keyed_mark.size());
    return text;
}

// What is behind USING of an index that is there.
std::optional<index_shape> shape_there(bool unique, const std::string &method, std::string_view definition) {
    const std::string using_method = " USING " + method + " ";
    if (definition.find(" NULLS NOT DISTINCT") != std::string_view::npos ||
        definition.find(using_method) == std::string_view::npos)
        return std::nullopt;
    index_shape shape{unique, method, {}, {}};
    read_columns(definition.substr(definition.find(using_method)), shape);
    return shape;
}

// Whether mega made the index for other types than mega.unkeyed_ref_types names now.
bool leaves_out_others(pg::spi_connection &spi, const target_table &table, const named_definition &index) {
    if (std::string_view(index.definition).find(keyed_mark) == std::string_view::npos)
        return false;
    const pg::rows found = spi.run_text("SELECT pg_catalog.pg_get_indexdef(" +
                                        std::to_string(pg::relation_named(index.name, table.schema)) + ")");
    const auto there = shape_there(true, "btree", found.text(0, 0).value_or(""));
    if (!there || plain(there->predicate) == plain(shape_of(index).predicate))
        return false;
    const std::string definition = without_condition(index.definition);
    const std::string base = plain(definition.substr(definition.find("WHERE ") + 6));
    const std::string stored = plain(there->predicate);
    return stored.starts_with(base) &&
           (stored.size() == base.size() || stored.substr(base.size()).starts_with("andmg_ref_type<>all'{"));
}

// The types that an index of references leaves out, as `keyed_condition` wrote them.
std::set<std::string> types_left_out(std::string_view predicate) {
    constexpr std::string_view before = " ALL ('{";
    std::string list = as_postgres_says(std::string(predicate));
    const std::size_t begin = list.find(before);
    if (begin == std::string::npos)
        return {};
    list.erase(0, begin + before.size());
    list.erase(std::min(list.find('}'), list.size()));
    std::erase(list, '"'); // no word has one
    return words_of(list);
}

bool does_the_same(const index_shape &there, const index_shape &wanted) {
    if (there.method != wanted.method || plain(there.columns) != plain(wanted.columns) ||
        (wanted.unique && !there.unique))
        return false;
    // Without a predicate that only leaves out NULLs, it holds all the same.
    const bool leaves_out_nulls = plain(wanted.predicate) == plain(wanted.columns + " IS NOT NULL");
    return plain(there.predicate) == plain(wanted.predicate) || (there.predicate.empty() && leaves_out_nulls);
}

} // namespace

std::string keyed_condition() {
    std::string words;
    for (const std::string &word : words_of(unkeyed_ref_types_setting()))
        words += (words.empty() ? "" : ",") + as_element(word);
    if (words.empty())
        return {};
    return " AND mg_ref_type OPERATOR(pg_catalog.<>) ALL (" + sql_literal("{" + words + "}") + "::pg_catalog.text[])";
}

index_shape shape_of(const named_definition &index) {
    std::string whole = without_condition(index.definition);
    if (whole.size() != std::string_view(index.definition).size())
        whole += keyed_condition(); // at the end
    std::string_view text = whole;
    index_shape shape{text.starts_with("UNIQUE "), "btree", {}, {}};
    text.remove_prefix(text.find("@table@ ") + 8);
    if (text.starts_with("USING ")) {
        text.remove_prefix(6);
        shape.method = text.substr(0, text.find(' '));
    }
    read_columns(text, shape);
    return shape;
}

bool has_shape_of(pg::spi_connection &spi, const target_table &table, const named_definition &index) {
    const pg::rows found = spi.run_text(
        "SELECT m.amname::pg_catalog.text, i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid), i.indnatts "
        "OPERATOR(pg_catalog.=) i.indnkeyatts FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid "
        "OPERATOR(pg_catalog.=) i.indexrelid JOIN pg_catalog.pg_am m ON m.oid OPERATOR(pg_catalog.=) c.relam WHERE "
        "i.indexrelid OPERATOR(pg_catalog.=) " +
        std::to_string(pg::relation_named(index.name, table.schema)));
    if (found.empty() || !*found.boolean(0, 3))
        return false;
    const index_shape wanted = shape_of(index);
    const auto shape = shape_there(*found.boolean(0, 1), std::string(*found.text(0, 0)), *found.text(0, 2));
    const bool any_words = std::string_view(index.definition).find(keyed_mark) != std::string_view::npos;
    return shape && shape->unique == wanted.unique && shape->method == wanted.method &&
           plain(shape->columns) == plain(wanted.columns) &&
           (any_words || plain(shape->predicate) == plain(wanted.predicate));
}

index_place place_of(pg::spi_connection &spi, const target_table &table, const named_definition &index) {
    using state = index_place::state;
    const pg::rows named = spi.run_text(
        "SELECT coalesce(i.indrelid OPERATOR(pg_catalog.=) " + std::to_string(table.relation) +
        ", false), i.indisvalid, c.relkind::pg_catalog.text FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i "
        "ON "
        "i.indexrelid OPERATOR(pg_catalog.=) c.oid WHERE c.relnamespace OPERATOR(pg_catalog.=) " +
        std::to_string(table.schema) + " AND c.relname OPERATOR(pg_catalog.=) " + sql_literal(index.name));
    if (!named.empty()) {
        if (!named.boolean(0, 0).value_or(false))
            return {state::taken, named.text(0, 2) == "i" ? "an index of another table" : "another relation"};
        if (!named.boolean(0, 1).value_or(false))
            return {state::invalid, {}};
        return {leaves_out_others(spi, table, index) ? state::outdated : state::there, {}};
    }
    if (table.relation == InvalidOid)
        return {};
    const index_shape wanted = shape_of(index);
    const pg::rows others = spi.run_text(
        "SELECT c.relname::pg_catalog.text, m.amname::pg_catalog.text, i.indisunique, "
        "pg_catalog.pg_get_indexdef(c.oid) "
        "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid "
        "JOIN pg_catalog.pg_am m ON m.oid OPERATOR(pg_catalog.=) c.relam WHERE i.indrelid OPERATOR(pg_catalog.=) " +
        std::to_string(table.relation) +
        " AND i.indisvalid AND i.indimmediate ORDER BY c.relname COLLATE pg_catalog.\"C\"");
    for (std::uint64_t i = 0; i < others.count(); ++i) {
        const auto shape = shape_there(*others.boolean(i, 2), std::string(*others.text(i, 1)), *others.text(i, 3));
        if (shape && does_the_same(*shape, wanted))
            return {state::elsewhere, std::string(*others.text(i, 0))};
    }
    return {};
}

reference_key reference_key_of(Relation ledger, Oid schema) {
    reference_key key;
    const Oid named = pg::relation_named(reference_key_name, schema);
    const named_definition *wanted = nullptr;
    for (const named_definition &index : blueprints[1].indexes)
        if (index.name == std::string_view(reference_key_name))
            wanted = &index;
    const std::string columns = plain(shape_of(*wanted).columns);
    const List *all = pg::call([ledger] { return RelationGetIndexList(ledger); });
    for (int i = 0; i < list_length(all); ++i) {
        const Oid id = list_nth_oid(all, i);
        // What keeps rows apart; '' when it does not.
        const char *definition = pg::call([id]() -> const char * {
            HeapTuple found = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(id));
            if (!HeapTupleIsValid(found))
                return "";
            const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(found));
            const bool keeps = index->indisunique && index->indisvalid && index->indimmediate;
            ReleaseSysCache(found);
            return keeps ? TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(id))) : "";
        });
        if (*definition == '\0')
            continue;
        const auto shape = shape_there(true, "btree", definition);
        if (shape && plain(shape->columns) == columns) // the direct path may look by it, whatever its name
            std::ranges::copy(types_left_out(shape->predicate), std::back_inserter(key.left_out));
        key.there = key.there || id == named || (shape && does_the_same(*shape, shape_of(*wanted)));
    }
    return key;
}

bool keeps_unique(Relation table, AttrNumber column) {
    const std::string leaves_out_nulls =
        std::string(" WHERE (") + NameStr(TupleDescAttr(table->rd_att, column - 1)->attname) + " IS NOT NULL)";
    const List *all = pg::call([table] { return RelationGetIndexList(table); });
    for (int i = 0; i < list_length(all); ++i) {
        const Oid id = list_nth_oid(all, i);
        // '' for one that keeps other columns, or none.
        const char *definition = pg::call([=]() -> const char * {
            HeapTuple found = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(id));
            if (!HeapTupleIsValid(found))
                return "";
            const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(found));
            const bool keeps = index->indisunique && index->indisvalid && index->indimmediate &&
                               index->indnkeyatts == 1 && index->indkey.values[0] == column;
            const bool has_condition = !heap_attisnull(found, Anum_pg_index_indpred, nullptr);
            ReleaseSysCache(found);
            if (!keeps)
                return "";
            return has_condition ? TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(id)))
                                 : "whole";
        });
        if (std::string_view(definition) == "whole" || plain(definition).ends_with(plain(leaves_out_nulls)))
            return true;
    }
    return false;
}

bool is_key(pg::spi_connection &spi, Oid relation, std::string_view column, std::string *name) {
    const pg::rows found =
        spi.run_text("SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON "
                     "c.oid OPERATOR(pg_catalog.=) i.indexrelid "
                     "JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum "
                     "OPERATOR(pg_catalog.=) i.indkey[0] WHERE i.indrelid OPERATOR(pg_catalog.=) " +
                     std::to_string(relation) +
                     " AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts "
                     "OPERATOR(pg_catalog.=) 1 AND i.indpred IS NULL "
                     "AND a.attname OPERATOR(pg_catalog.=) " +
                     sql_literal(column) + " ORDER BY i.indisprimary DESC, c.relname COLLATE pg_catalog.\"C\"");
    if (found.empty())
        return false;
    if (name != nullptr)
        *name = *found.text(0, 0);
    return true;
}

std::string foreign_key_of(pg::spi_connection &spi, const target_table &table, std::string_view column) {
    const pg::rows found = spi.run_text(
        "SELECT k.conname::pg_catalog.text FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON "
        "a.attrelid OPERATOR(pg_catalog.=) "
        "k.conrelid "
        "AND a.attnum OPERATOR(pg_catalog.=) k.conkey[1] JOIN pg_catalog.pg_attribute f ON f.attrelid "
        "OPERATOR(pg_catalog.=) k.confrelid AND f.attnum OPERATOR(pg_catalog.=) "
        "k.confkey[1] "
        "WHERE k.contype OPERATOR(pg_catalog.=) 'f' AND k.conrelid OPERATOR(pg_catalog.=) " +
        std::to_string(table.relation) +
        " AND pg_catalog.cardinality(k.conkey) OPERATOR(pg_catalog.=) 1 AND a.attname OPERATOR(pg_catalog.=) " +
        sql_literal(column) + " AND f.attname OPERATOR(pg_catalog.=) 'mg_pass_id' AND " + pg::is_enforced +
        " AND k.confrelid OPERATOR(pg_catalog.=) " + std::to_string(pg::relation_named(customers_name, table.schema)) +
        " ORDER BY k.conname COLLATE pg_catalog.\"C\"");
    return found.empty() ? std::string() : std::string(*found.text(0, 0));
}

} // namespace mega::schema
