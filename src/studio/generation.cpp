#include "studio/generation.hpp"

#include "core/record_id.hpp"
#include "core/status.hpp"
#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "ledger/resolve.hpp"
#include "ledger/url_rule.hpp"
#include "schema/others.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

// The list of the writable columns, put together while compiling.
template <bool Assign> constexpr auto make_statement() {
    std::array<char, 1200> text{};
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
        for (const char c : part)
            text[at++] = c;
    };
    add(Assign ? "UPDATE ONLY @schema@.mega_generations SET " : "SELECT g.mg_pass_id");
    for (std::size_t i = 0; i < writable_count; ++i) {
        const std::size_t number = i + 2;
        add(Assign ? (i == 0 ? "" : ", ") : ", g.");
        add(schema::name(writable[i]));
        if (Assign) {
            add(" = $");
            if (number >= 10)
                text[at++] = static_cast<char>('0' + number / 10);
            text[at++] = static_cast<char>('0' + number % 10);
        }
    }
    if (!Assign)
        add(" FROM ONLY @schema@.mega_generations g");
    add(" WHERE mg_id OPERATOR(pg_catalog.=) $1");
    add(Assign ? " RETURNING mg_mma_status" : " FOR NO KEY UPDATE");
    return text;
}

constexpr auto make_types() {
    std::array<Oid, writable_count + 1> types{TEXTOID};
    for (std::size_t i = 0; i < writable_count; ++i) {
        const std::string_view type = schema::ledger_columns[static_cast<std::size_t>(writable[i])].type;
        types[i + 1] = type == "integer" ? INT4OID : type == "jsonb" ? JSONBOID : TEXTOID;
    }
    return types;
}

constexpr Oid id_type[] = {TEXTOID};
constinit const auto select_text = make_statement<false>();
constinit const auto update_text = make_statement<true>();
constinit const auto update_types = make_types();
constinit pg::statement select_generation(select_text.data(), id_type);
constinit pg::statement update_generation(update_text.data(), update_types);

} // namespace

locked_generation::locked_generation(pg::session &session, const schema::tables &where, std::string_view id,
                                     std::optional<std::string_view> pass_id)
    : id_(core::strip_prefix(core::record_type::generation, id)), mg_id_("generation:" + id_) {
    if (!read(session, where))
        throw pg::sql_error{"MG003", "there is no generation " + pg::quoted(id_), "mg_id=" + pg::quoted(mg_id_),
                            "Create it with mega_create_generation."};
    if (pass_id && !ledger::means_customer(where, *pass_id, pass_id_.value_or("")))
        throw pg::sql_error{ledger::bad_column,
                            "the generation belongs to another customer",
                            "mg_id=" + pg::quoted(mg_id_) + " pass_id=" + pg::quoted(*pass_id),
                            {}};
}

bool locked_generation::read(pg::session &session, const schema::tables &where) {
    if (ledger::direct::possible(where)) {
        std::array<column, writable_count + 1> wanted{column::mg_pass_id};
        std::ranges::copy(writable, wanted.begin() + 1);
        std::array<pg::nullable_datum, writable_count + 1> values;
        if (!ledger::direct::lock_record(mg_id_, LockTupleNoKeyExclusive, wanted, values))
            return false;
        if (!values[0].is_null)
            pass_id_ = std::string(pg::text_of(values[0].value));
        std::copy(values.begin() + 1, values.end(), columns_.begin());
        return true;
    }
    const pg::as_role owner(where.generations.owner);
    const pg::rows found = session.run(select_generation, where.schema, pg::access::read_write, mg_id_);
    if (found.empty())
        return false;
    if (const auto customer = found.text(0, 0))
        pass_id_ = std::string(*customer);
    for (std::size_t i = 0; i < writable_count; ++i)
        columns_[i] = found.column(0, static_cast<int>(i) + 1);
    return true;
}

std::size_t locked_generation::index_of(schema::ledger c) {
    return static_cast<std::size_t>(std::ranges::find(writable, c) - std::begin(writable));
}

std::optional<std::string_view> locked_generation::text(schema::ledger c) const {
    const pg::nullable_datum value = columns_[index_of(c)];
    return value.is_null ? std::nullopt : std::optional(pg::text_of(value.value));
}

std::optional<pg::jsonb> locked_generation::json(schema::ledger c) const {
    const pg::nullable_datum value = columns_[index_of(c)];
    return value.is_null ? std::nullopt : std::optional(pg::jsonb_of(value.value));
}

void locked_generation::write(pg::session &session, const schema::tables &where) const {
    if (!changed_)
        return;
    if (ledger::direct::possible(where))
        return ledger::change_record(where, mg_id_, writable, columns_);
    std::array<pg::nullable_datum, writable_count + 1> bound;
    bound[0] = pg::to_datum(mg_id_);
    std::ranges::copy(columns_, bound.begin() + 1);
    const pg::as_role owner(where.generations.owner);
    const pg::rows stored = session.execute(update_generation, where.schema, pg::access::read_write, bound);
    if (stored.empty() || stored.text(0, 0) != text(column::mg_mma_status))
        schema::refuse_interference(where.generations.id, schema::writing::update, "keeps a change from a generation",
                                    "mg_id=" + pg::quoted(mg_id_));
}

std::string_view read_generation_id(std::optional<std::string_view> given) {
    const std::string_view id =
        core::strip_prefix(core::record_type::generation, ledger::require("generation_id", given));
    ledger::check_text("generation_id", id, ledger::bad_argument);
    return id;
}

std::optional<std::string_view> read_mode(std::optional<std::string_view> given) {
    if (given && !core::is_mma_mode(*given))
        throw pg::sql_error{ledger::bad_argument, "mma_mode is not a mode", "mma_mode=" + pg::quoted(*given),
                            "Use still or video."};
    return given;
}

std::optional<std::string_view> read_status(std::optional<std::string_view> given) {
    if (given && !core::parse_mma_status(*given))
        throw pg::sql_error{ledger::bad_argument, "mma_status is not a status", "mma_status=" + pg::quoted(*given),
                            "Use queued, scanning, prompting, generating, postscan, done or error."};
    return given;
}

void check_output_url(const char *name, std::string_view url) {
    if (core::trim(url).empty())
        throw pg::sql_error{
            ledger::bad_argument, std::string(name) + " must not be blank", "value=" + pg::quoted(url), {}};
    ledger::check_asset_url(name, url, "MG008");
}

} // namespace mega::studio
