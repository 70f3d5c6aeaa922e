// Makes the store's SQL of the tables' columns.
#include "ledger/statement_texts.hpp"

#include <map>

namespace mega::ledger::statements {

namespace {

using schema::customer;
using column = schema::ledger;

const schema::column &described(customer c) { return schema::customer_columns[static_cast<std::size_t>(c)]; }
const schema::column &described(column c) { return schema::ledger_columns[static_cast<std::size_t>(c)]; }

struct kept {
    kept(std::string said, std::vector<Oid> bound)
        : text(std::move(said)), types(std::move(bound)),
          what(pg::statement(text.c_str(), types.data(), static_cast<int>(types.size())).by_key()) {}

    std::string text;
    std::vector<Oid> types;
    pg::statement what;
};

// By what tells them apart. Made on first use and kept: a static object of this kind would need a destructor.
constinit std::map<std::string, kept, std::less<>> *all = nullptr;

enum class verb : char {
    select = 's',
    select_at = 'S',
    select_by_reference = 'r',
    update = 'u',
    update_at = 'U',
    insert = 'i',
    insert_many = 'I'
};

// The verb, the table, what else there is to say, and the columns.
template <class Column> std::string key_of(verb what, char detail, std::span<const Column> columns) {
    std::string key{static_cast<char>(what), std::is_same_v<Column, customer> ? 'c' : 'l', detail};
    for (const Column c : columns)
        key += static_cast<char>(c);
    return key;
}

// There is one for each set of columns that is changed: plans of very many are not kept.
pg::statement &to_plan(pg::statement &what) {
    constexpr std::size_t most_plans = 256;
    static constinit std::size_t planned = 0;
    if (!what.is_planned() && ++planned == most_plans) {
        for (auto &[key, one] : *all)
            one.what.forget_plans();
        planned = 0;
    }
    return what;
}

template <class Make> pg::statement &keep(std::string key, Make make) {
    if (all == nullptr)
        all = new std::map<std::string, kept, std::less<>>;
    const auto found = all->find(key);
    if (found != all->end())
        return to_plan(found->second.what);
    auto [text, types] = make();
    return to_plan(all->try_emplace(std::move(key), std::move(text), std::move(types)).first->second.what);
}

using made = std::pair<std::string, std::vector<Oid>>;

template <class Column> std::vector<Oid> types_of(std::span<const Column> columns, std::vector<Oid> types = {}) {
    for (const Column c : columns)
        types.push_back(schema::type_oid(described(c).type));
    return types;
}

template <class Column> std::string list_of(std::span<const Column> columns) {
    std::string list;
    for (const Column c : columns)
        list += (list.empty() ? "" : ", ") + std::string(described(c).name);
    return list;
}

constexpr const char *locks[] = {"", " FOR NO KEY UPDATE", " FOR NO KEY UPDATE SKIP LOCKED", " FOR SHARE",
                                 " FOR KEY SHARE"};

std::string select_from(std::span<const customer> columns) {
    return "SELECT " + list_of(columns) + (columns.empty() ? "" : ", ") +
           "ctid FROM ONLY @schema@.mega_customers WHERE mg_pass_id OPERATOR(pg_catalog.=) $1";
}

std::string select_from(std::span<const column> columns) {
    return "SELECT " + list_of(columns) + " FROM ONLY @schema@.mega_generations WHERE mg_id OPERATOR(pg_catalog.=) $1";
}

template <class Column> pg::statement &select_row(std::span<const Column> columns, locking how) {
    const auto lock = static_cast<std::size_t>(how);
    return keep(key_of(verb::select, static_cast<char>('0' + lock), columns), [&] {
        return made{select_from(columns) + locks[lock], {TEXTOID}};
    });
}

constexpr const char *at_place = " AND ctid OPERATOR(pg_catalog.=) $2";

template <class Column>
pg::statement &update_row(verb what, std::string_view begin, std::string_view key, std::span<const Column> columns,
                          Column returned) {
    return keep(key_of(what, static_cast<char>(returned), columns), [&] {
        const bool placed = what == verb::update_at;
        std::string text(begin);
        for (std::size_t i = 0; i < columns.size(); ++i)
            text += (i == 0 ? " SET " : ", ") + std::string(described(columns[i]).name) + " = $" +
                    std::to_string(i + (placed ? 3 : 2));
        text += " WHERE " + std::string(key) + " OPERATOR(pg_catalog.=) $1" + (placed ? at_place : "") + " RETURNING " +
                described(returned).name;
        if constexpr (std::is_same_v<Column, customer>) {
            text += ", ctid";
            if (std::ranges::find(columns, customer::mg_meta) != columns.end())
                text += ", mg_meta";
        }
        return made{std::move(text),
                    types_of(columns, placed ? std::vector<Oid>{TEXTOID, TIDOID} : std::vector<Oid>{TEXTOID})};
    });
}

template <class Column>
pg::statement &insert_row(std::string_view begin, std::string_view key, std::span<const Column> columns) {
    return keep(key_of(verb::insert, '-', columns), [&] {
        std::string text = std::string(begin) + " (" + list_of(columns) + ") VALUES (";
        for (std::size_t i = 0; i < columns.size(); ++i)
            text += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
        return made{text + ") ON CONFLICT DO NOTHING RETURNING " + std::string(key), types_of(columns)};
    });
}

} // namespace

pg::statement &select(std::span<const customer> columns, locking how) { return select_row(columns, how); }
pg::statement &select(std::span<const column> columns, locking how) { return select_row(columns, how); }

pg::statement &select_by_reference(std::span<const column> columns, bool first) {
    return keep(key_of(verb::select_by_reference, first ? '1' : '-', columns), [&] {
        return made{"SELECT " + list_of(columns) +
                        " FROM ONLY @schema@.mega_generations WHERE mg_ref_type OPERATOR(pg_catalog.=) $1 "
                        "AND mg_ref_id OPERATOR(pg_catalog.=) $2 AND coalesce(mg_reason, '') OPERATOR(pg_catalog.=) $3 "
                        "AND mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                        "AND mg_ref_type IS NOT NULL AND mg_ref_id IS NOT NULL" +
                        (first ? " ORDER BY mg_created_at, mg_id COLLATE pg_catalog.\"C\" LIMIT 1" : ""),
                    {TEXTOID, TEXTOID, TEXTOID}};
    });
}

pg::statement &select_at(std::span<const customer> columns, locking how) {
    const auto lock = static_cast<std::size_t>(how);
    return keep(key_of(verb::select_at, static_cast<char>('0' + lock), columns), [&] {
        return made{select_from(columns) + at_place + locks[lock], {TEXTOID, TIDOID}};
    });
}

pg::statement &update(std::span<const customer> columns, customer returned) {
    return update_row(verb::update, "UPDATE ONLY @schema@.mega_customers", "mg_pass_id", columns, returned);
}
pg::statement &update_at(std::span<const customer> columns, customer returned) {
    return update_row(verb::update_at, "UPDATE ONLY @schema@.mega_customers", "mg_pass_id", columns, returned);
}
pg::statement &update(std::span<const column> columns, column returned) {
    return update_row(verb::update, "UPDATE ONLY @schema@.mega_generations", "mg_id", columns, returned);
}

pg::statement &insert(std::span<const customer> columns) {
    return insert_row("INSERT INTO @schema@.mega_customers", "mg_pass_id", columns);
}
pg::statement &insert(std::span<const column> columns) {
    return insert_row("INSERT INTO @schema@.mega_generations", "mg_id", columns);
}

pg::statement &insert_many(std::span<const column> columns) {
    return keep(key_of(verb::insert_many, '-', columns), [&] {
        std::string arrays, names, values;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            arrays += (i == 0 ? "pg_catalog.unnest($" : ", pg_catalog.unnest($") + std::to_string(i + 1) + ")";
            names += (i == 0 ? "c" : ", c") + std::to_string(i);
        }
        for (const column c : schema::every_ledger_column) {
            const auto given = std::ranges::find(columns, c);
            values += std::string(values.empty() ? "" : ", ") +
                      (given == columns.end() ? "NULL" : "c" + std::to_string(given - columns.begin()));
        }
        std::vector<Oid> types = types_of(columns);
        for (Oid &type : types)
            type = pg::call([type] { return get_array_type(type); });
        return made{"INSERT INTO @schema@.mega_generations (" +
                        list_of(std::span<const column>(schema::every_ledger_column)) + ") SELECT " + values +
                        " FROM ROWS FROM (" + arrays + ") r (" + names + ") ON CONFLICT DO NOTHING RETURNING mg_id",
                    std::move(types)};
    });
}

} // namespace mega::ledger::statements
