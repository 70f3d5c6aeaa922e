// The ten legacy tables: their names, their columns, and which a schema has.
#include "moving/legacy.hpp"

#include "moving/legacy_sql.hpp"
#include "pg/relation.hpp"

namespace mega::moving {

namespace {

using core::record_type;

constexpr legacy_column customers[] = {
    {"shopify_customer_id", wanted::text}, {"user_id", wanted::uuid},    {"email", wanted::text},
    {"credits", wanted::integer},          {"expires_at", wanted::time}, {"last_active", wanted::time},
    {"disabled", wanted::boolean},         {"meta", wanted::json},       {"created_at", wanted::time},
    {"updated_at", wanted::time}};
constexpr legacy_column credit_transactions[] = {{"id", wanted::text},       {"shopify_customer_id", wanted::text},
                                                 {"delta", wanted::integer}, {"reason", wanted::text},
                                                 {"source", wanted::text},   {"ref_type", wanted::text},
                                                 {"ref_id", wanted::text},   {"created_at", wanted::time}};
constexpr legacy_column sessions[] = {
    {"id", wanted::text},   {"shopify_customer_id", wanted::text}, {"platform", wanted::text},  {"title", wanted::text},
    {"meta", wanted::json}, {"created_at", wanted::time},          {"updated_at", wanted::time}};
constexpr legacy_column generations[] = {{"id", wanted::text},
                                         {"type", wanted::text},
                                         {"session_id", wanted::text},
                                         {"customer_id", wanted::text},
                                         {"shopify_customer_id", wanted::text},
                                         {"platform", wanted::text},
                                         {"prompt", wanted::text},
                                         {"output_url", wanted::text},
                                         {"output_key", wanted::text},
                                         {"provider", wanted::text},
                                         {"model", wanted::text},
                                         {"latency_ms", wanted::integer},
                                         {"input_chars", wanted::integer},
                                         {"output_chars", wanted::integer},
                                         {"meta", wanted::json},
                                         {"created_at", wanted::time},
                                         {"updated_at", wanted::time}};
constexpr legacy_column feedback[] = {{"id", wanted::text},          {"shopify_customer_id", wanted::text},
                                      {"session_id", wanted::text},  {"generation_id", wanted::text},
                                      {"result_type", wanted::text}, {"platform", wanted::text},
                                      {"prompt", wanted::text},      {"comment", wanted::text},
                                      {"image_url", wanted::text},   {"video_url", wanted::text},
                                      {"created_at", wanted::time},  {"updated_at", wanted::time}};
constexpr legacy_column runtime_config[] = {
    {"id", wanted::integer}, {"updated_at", wanted::time}, {"updated_by", wanted::text}};
constexpr legacy_column app_config[] = {
    {"key", wanted::text}, {"value", wanted::json}, {"updated_at", wanted::time}, {"updated_by", wanted::text}};
constexpr legacy_column profiles[] = {{"user_id", wanted::uuid},
                                      {"email", wanted::text},
                                      {"shopify_customer_id", wanted::text},
                                      {"created_at", wanted::time},
                                      {"updated_at", wanted::time}};
constexpr legacy_column admin_sessions[] = {{"session_hash", wanted::text}, {"user_id", wanted::uuid},
                                            {"email", wanted::text},        {"ip", wanted::text},
                                            {"user_agent", wanted::text},   {"first_seen_at", wanted::time},
                                            {"last_seen_at", wanted::time}, {"updated_at", wanted::time}};
constexpr legacy_column admin_audit[] = {
    {"id", wanted::text},      {"created_at", wanted::time}, {"action", wanted::text},
    {"route", wanted::text},   {"method", wanted::text},     {"status", wanted::integer},
    {"user_id", wanted::uuid}, {"email", wanted::text},      {"detail", wanted::json}};

constexpr std::array<legacy_definition, legacy_tables> definitions{{
    {"customers", "shopify_customer_id", "created_at", std::nullopt, customers},
    {"credit_transactions", "id", "created_at", record_type::credit_transaction, credit_transactions},
    {"sessions", "id", "created_at", record_type::session, sessions},
    {"generations", "id", "created_at", record_type::generation, generations},
    {"feedback", "id", "created_at", record_type::feedback, feedback},
    {"runtime_config", "id", "updated_at", record_type::runtime_config, runtime_config},
    {"app_config", "key", "updated_at", record_type::app_config, app_config},
    {"profiles", "user_id", "created_at", record_type::profile, profiles},
    {"admin_sessions", "session_hash", "first_seen_at", record_type::admin_session, admin_sessions},
    {"admin_audit", "id", "created_at", record_type::admin_audit, admin_audit},
}};

// A char(n) is its text without the padding, as casts and comparisons of Postgres have it; jsonb would keep the blanks.
found_column column_of(const FormData_pg_attribute &one) {
    const Oid type = pg::call([&one] { return getBaseType(one.atttypid); });
    if (type == BPCHAROID)
        return {NameStr(one.attname), TEXTOID, "pg_catalog.text"};
    if (type == BPCHARARRAYOID)
        return {NameStr(one.attname), TEXTARRAYOID, "pg_catalog.text[]"};
    return {NameStr(one.attname), type};
}

bool one_of(Oid type, std::initializer_list<Oid> among) { return std::ranges::find(among, type) != among.end(); }

// Whether values of the type can become what is wanted without loss; of texts and numbers each value is looked at.
bool can_be(wanted what, Oid type) {
    const bool text = one_of(type, {TEXTOID, VARCHAROID, BPCHAROID});
    switch (what) {
    case wanted::text:
    case wanted::json:
        return true;
    case wanted::integer:
        return text || one_of(type, {INT2OID, INT4OID, INT8OID, NUMERICOID, FLOAT4OID, FLOAT8OID});
    case wanted::boolean:
        return text || one_of(type, {BOOLOID, INT2OID, INT4OID});
    case wanted::time:
        return text || one_of(type, {TIMESTAMPTZOID, TIMESTAMPOID, DATEOID});
    case wanted::uuid:
        return text || type == UUIDOID;
    }
    return false;
}

const char *called(wanted what) {
    switch (what) {
    case wanted::integer:
        return "an integer";
    case wanted::boolean:
        return "a boolean";
    case wanted::time:
        return "a timestamp";
    case wanted::uuid:
        return "a uuid";
    default:
        return "a text";
    }
}

void require_type(const std::string &table, const legacy_column &column, TupleDesc shape, AttrNumber at) {
    const Oid declared = TupleDescAttr(shape, at - 1)->atttypid;
    if (can_be(column.type, pg::call([declared] { return getBaseType(declared); })))
        return;
    const std::string found = pg::call([declared] { return static_cast<const char *>(format_type_be(declared)); });
    throw pg::sql_error{"42804", "the column " + std::string(column.name) + " of " + table + " has another type",
                        "It is " + found + "; " + called(column.type) + " is needed, or what can become one.",
                        "Make a view of the table, in a schema of its own, that casts the column."};
}

// Whether no two rows have one value in the column. Children have indexes of their own.
bool is_unique(Relation table, AttrNumber column) {
    if (table->rd_rel->relhassubclass && table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        return false;
    return pg::call([table, column] {
        bool found = false;
        List *indexes = RelationGetIndexList(table);
        ListCell *cell = nullptr;
        foreach (cell, indexes) {
            HeapTuple index = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
            if (!HeapTupleIsValid(index))
                continue;
            const auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(index));
            found =
                found || (form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
                          form->indkey.values[0] == column && heap_attisnull(index, Anum_pg_index_indpred, nullptr));
            ReleaseSysCache(index);
        }
        list_free(indexes);
        return found;
    });
}

// Whether other tables' rows are told by it: whose they are, and what a balance is made of.
bool is_told_by(legacy table) {
    return table == legacy::customers || table == legacy::credit_transactions || table == legacy::sessions;
}

bool is_left_out(const std::optional<std::vector<std::string>> &only, legacy table) {
    return only && !is_told_by(table) && std::ranges::find(*only, definition_of(table).name) == only->end();
}

[[noreturn]] void refuse_without_key(const std::string &shown, legacy table) {
    throw pg::sql_error{"42703", "the table " + shown + " has no column " + definition_of(table).key,
                        "It is the key by which its rows are told apart.",
                        std::string("Make a view of the table, in a schema of its own, that has it") +
                            (is_told_by(table) ? "." : "; or leave the table out: tables.")};
}

std::string all_names() {
    std::string names;
    for (const legacy_definition &one : definitions)
        names += (names.empty() ? "" : ", ") + std::string(one.name);
    return names;
}

} // namespace

const legacy_definition &definition_of(legacy table) { return definitions[static_cast<std::size_t>(table)]; }

std::optional<legacy> legacy_named(std::string_view name) {
    for (std::size_t i = 0; i < legacy_tables; ++i)
        if (name == definitions[i].name)
            return static_cast<legacy>(i);
    return std::nullopt;
}

std::string prefix_of(legacy table) {
    const auto type = definition_of(table).becomes;
    return type ? std::string(core::name(*type)) + ":" : std::string();
}

const char *mega_table(legacy table) {
    const auto type = definition_of(table).becomes;
    return !type ? "mega_customers" : core::is_ledger_type(*type) ? "mega_generations" : "mega_admin";
}

legacy_schema::legacy_schema(std::string_view name, const std::optional<std::vector<std::string>> &only) : name_(name) {
    const Oid schema = pg::call([this] { return get_namespace_oid(name_.c_str(), true); });
    if (schema == InvalidOid)
        throw pg::sql_error{"42P01", "there is no schema " + pg::quoted(name_),
                            "It was looked for with the tables " + all_names() + ".", "Name the schema that has them."};
    for (std::size_t i = 0; i < legacy_tables; ++i)
        if (const auto table = static_cast<legacy>(i); !is_left_out(only, table))
            look(schema, table);
    if (!only && std::ranges::find(there_, true) == there_.end())
        throw pg::sql_error{"42P01", "the schema " + pg::quoted(name_) + " has none of the tables that are read",
                            "Tables, views or foreign tables of these names were looked for: " + all_names() + ".",
                            "Name the schema that has them."};
    wanted_ = there_;
    if (only)
        choose(*only);
}

void legacy_schema::look(Oid schema, legacy table) {
    const legacy_definition &definition = definition_of(table);
    const Oid id = pg::relation_named(definition.name, schema);
    if (id == InvalidOid)
        return;
    constexpr std::string_view readable = "rpvmf"; // tables, partitioned ones, views, materialised ones, foreign tables
    if (readable.find(pg::call([id] { return get_rel_relkind(id); })) == std::string_view::npos)
        return;
    pg::relation relation(id, AccessShareLock);
    const TupleDesc shape = relation.get()->rd_att;
    const std::string shown = qualified(table);
    if (pg::attribute_of(shape, definition.key) == 0)
        refuse_without_key(shown, table);
    for (const legacy_column &column : definition.columns)
        if (const AttrNumber at = pg::attribute_of(shape, column.name); at != 0)
            require_type(shown, column, shape, at);
    unique_[static_cast<std::size_t>(table)] = is_unique(relation.get(), pg::attribute_of(shape, definition.key));
    if (const AttrNumber at = pg::attribute_of(shape, definition.made); at != 0)
        timed_[static_cast<std::size_t>(table)] =
            one_of(TupleDescAttr(shape, at - 1)->atttypid, {TIMESTAMPTZOID, TIMESTAMPOID, DATEOID});
    for (int i = 0; i < shape->natts; ++i)
        if (const FormData_pg_attribute *one = TupleDescAttr(shape, i); !one->attisdropped)
            columns_[static_cast<std::size_t>(table)].push_back(column_of(*one));
    relation.close();
    there_[static_cast<std::size_t>(table)] = true;
}

const found_column *legacy_schema::column(legacy table, std::string_view name) const {
    const auto &all = columns(table);
    const auto found = std::ranges::find(all, name, &found_column::name);
    return found == all.end() ? nullptr : &*found;
}

void legacy_schema::choose(const std::vector<std::string> &only) {
    wanted_ = {};
    for (const std::string &name : only) {
        const auto table = legacy_named(name);
        if (!table)
            throw pg::sql_error{"22023",
                                pg::quoted(name) + " is none of the tables that are read",
                                {},
                                "They are " + all_names() + "."};
        if (!has(*table))
            throw pg::sql_error{"42P01", "there is no table " + qualified(*table), {}, "Leave it out of tables."};
        wanted_[static_cast<std::size_t>(*table)] = true;
    }
    // They are one unit: what opens a balance goes by both.
    const bool either = wants(legacy::customers) || wants(legacy::credit_transactions);
    for (const legacy table : {legacy::customers, legacy::credit_transactions})
        wanted_[static_cast<std::size_t>(table)] = either && has(table);
}

namespace {

// What json takes and jsonb does not: \u0000, halves of surrogate pairs, numbers beyond numeric. Such a document is
// kept as the text that it is.
constexpr const char *document_of_json =
    "CASE WHEN (pg_catalog.strpos(@text@, E'\\\\u') OPERATOR(pg_catalog.>) 0 AND "
    "pg_catalog.regexp_replace(pg_catalog.replace(@text@, E'\\\\\\\\', ''), "
    "E'\\\\\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\\\\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g') OPERATOR(pg_catalog.~) "
    "E'\\\\\\\\u(0000|[dD][89a-fA-F])') OR (@text@ OPERATOR(pg_catalog.~) '[0-9][eE][+-]?[0-9]{5}' AND "
    "pg_catalog.regexp_replace(pg_catalog.regexp_replace(@text@, E'\\\\\\\\.', '', 'g'), '\"[^\"]*\"', '', 'g') "
    "OPERATOR(pg_catalog.~) '[0-9][eE][+-]?[0-9]{5}') THEN pg_catalog.json_build_object('" MEGA_UNFIT_JSON
    "'::pg_catalog.text, @text@) ELSE @column@ END";

// The value of a row `l`, where it is not read as it is.
std::optional<std::string> read_otherwise(const found_column &one) {
    const std::string value = "l." + quoted_column(one);
    if (one.cast_to != nullptr)
        return value + "::" + one.cast_to;
    if (one.type == JSONOID)
        return filled(document_of_json, {{"@text@", "(" + value + ")::pg_catalog.text"}, {"@column@", value}});
    return std::nullopt;
}

} // namespace

// Statements are filled in by marks of @ (see filled), so no name may have one.
std::string quoted_column(const found_column &column) {
    const std::string &name = column.name;
    if (name.find('@') == std::string::npos)
        return pg::call([&name] { return static_cast<const char *>(quote_identifier(name.c_str())); });
    return "U&\"" + filled(name, {{"\\", "\\\\"}, {"\"", "\"\""}, {"@", "\\0040"}}) + "\"";
}

std::string legacy_schema::readable(legacy table) const {
    std::string list;
    bool any = false;
    for (const found_column &one : columns(table)) {
        const auto otherwise = read_otherwise(one);
        any = any || otherwise;
        list += list.empty() ? "" : ", ";
        list += otherwise ? *otherwise + " AS " + quoted_column(one) : "l." + quoted_column(one);
    }
    return any ? "(SELECT " + list + " FROM " + qualified(table) + " l)" : qualified(table);
}

std::string legacy_schema::qualified(legacy table) const {
    const std::string schema = pg::call([this] { return static_cast<const char *>(quote_identifier(name_.c_str())); });
    return schema + "." + definition_of(table).name;
}

} // namespace mega::moving
