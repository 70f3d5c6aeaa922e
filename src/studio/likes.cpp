// mega_likes: what a customer likes now, newest first. A generation is liked when the last word on it, like or dislike,
// is a like that was not taken back. Reads with the caller's rights and policies.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/table_catalog.hpp"

#include <unordered_set>

namespace mega::studio {

namespace {

// The words of a customer on generations, newest first, from the index by customer, type and time. By way of JSON the
// id of the generation forgets the collation of its column, which that of o.mg_id need not agree with.
#define MEGA_WORDS(place)                                                                                              \
    "SELECT g.mg_created_at, g.mg_id, " place                                                                          \
    ", g.mg_generation_id, o.mg_type, o.mg_provider, o.mg_output_url, o.mg_prompt, "                                   \
    "g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) 'like' AND NOT coalesce(g.mg_meta "        \
    "OPERATOR(pg_catalog.#>) '{payload,undo}' OPERATOR(pg_catalog.=) 'true'::pg_catalog.jsonb, false) "                \
    "AND o.mg_deleted_at IS NULL "                                                                                     \
    "FROM ONLY @schema@.mega_generations g LEFT JOIN ONLY @schema@.mega_generations o ON o.mg_id "                     \
    "OPERATOR(pg_catalog.=) (pg_catalog.to_json('generation:' OPERATOR(pg_catalog.||) g.mg_generation_id) "            \
    "OPERATOR(pg_catalog.#>>) '{}') "                                                                                  \
    "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_event' "            \
    "AND g.mg_deleted_at IS NULL AND g.mg_generation_id IS NOT NULL "                                                  \
    "AND g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) ANY ('{like,dislike}') "

constexpr Oid customer_type[] = {TEXTOID};
constexpr Oid position_types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID};
// $3 to $5 of newer_word are a position, which the pages before have seen.
constexpr Oid word_types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID};

// newer_word: whether there is a word on this generation at or before the position.
struct listing {
    ledger::pages words;
    pg::statement newer_word;
};
#define MEGA_LISTING(place, order, behind_id, word_behind_id)                                                          \
    {                                                                                                                  \
        {{MEGA_WORDS(place) order, customer_type},                                                                     \
         {MEGA_WORDS(place) MEGA_BEHIND("$2", behind_id) order, position_types},                                       \
         {MEGA_WORDS(place) MEGA_BEHIND_UNDATED(behind_id) order, position_types}},                                    \
        {                                                                                                              \
            "SELECT FROM ONLY @schema@.mega_generations g WHERE g.mg_generation_id OPERATOR(pg_catalog.=) $1 "         \
            "AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_event' AND g.mg_pass_id OPERATOR(pg_catalog.=) $2 "      \
            "AND g.mg_deleted_at IS NULL "                                                                             \
            "AND g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) ANY ('{like,dislike}') "       \
            "AND CASE WHEN $3 IS NULL THEN g.mg_created_at IS NULL AND NOT (" word_behind_id ") "                      \
            "ELSE g.mg_created_at IS NULL OR g.mg_created_at OPERATOR(pg_catalog.>) $3 "                               \
            "OR (g.mg_created_at OPERATOR(pg_catalog.=) $3 AND NOT (" word_behind_id ")) END LIMIT 1",                 \
                word_types                                                                                             \
        }                                                                                                              \
    }
constinit listing keyed =
    MEGA_LISTING("NULL", MEGA_KEYED_ORDER, MEGA_KEYED_BEHIND("$3", "$4"), MEGA_KEYED_BEHIND("$4", "$5"));
constinit listing unkeyed =
    MEGA_LISTING("g.ctid", MEGA_UNKEYED_ORDER, MEGA_UNKEYED_BEHIND("$3", "$4"), MEGA_UNKEYED_BEHIND("$4", "$5"));

constexpr int place_column = 2, generation_column = 3, is_liked_column = 8;

ledger::page_cursor position_of(const pg::rows &found, std::uint64_t row) {
    ledger::page_cursor position{found.time(row, 0), std::nullopt};
    if (const auto id = found.text(row, 1))
        position.mg_id = *id;
    if (!found.column(row, place_column).is_null)
        position.place = found.place(row, place_column);
    return position;
}

// Reads words, newest first, until a page is full: the first word on a generation that is met decides.
class reader {
public:
    reader(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
           const std::optional<ledger::page_cursor> &from)
        : spi_(spi), schema_(where.schema), pass_id_(pass_id), what_(where.generations.keyed ? keyed : unkeyed),
          from_(from), at_(from) {}

    // Calls show(columns) for up to `most` likes; tells whether there are more.
    template <class Show> bool read(std::size_t most, Show show) {
        std::size_t shown = 0;
        std::uint64_t wanted = std::min<std::uint64_t>(2 * (most + 1), longest);
        for (bool more = true; more; wanted = longest) {
            const pg::rows found = at_ ? spi_.run_limited(what_.words.behind(at_), schema_, wanted, pass_id_,
                                                          at_->created_at, at_->mg_id, at_->place_or_end())
                                       : spi_.run_limited(what_.words.first, schema_, wanted, pass_id_);
            for (std::uint64_t i = 0; i < found.count(); ++i) {
                if (!is_first_word(found, i) || !found.boolean(i, is_liked_column).value_or(false))
                    continue;
                if (shown++ == most)
                    return true;
                show(found, i);
            }
            more = found.count() == wanted;
            if (more)
                at_ = position_of(found, found.count() - 1);
        }
        return false;
    }

private:
    static constexpr std::uint64_t longest = 1001;

    bool is_first_word(const pg::rows &found, std::uint64_t row) {
        const std::string_view generation = *found.text(row, generation_column);
        if (!decided_.emplace(generation).second)
            return false;
        return !from_ || spi_.run(what_.newer_word, schema_, pg::access::read_only, generation, pass_id_,
                                  from_->created_at, from_->mg_id, from_->place_or_end())
                             .empty();
    }

    pg::spi_connection &spi_;
    const Oid schema_;
    const std::string_view pass_id_;
    listing &what_;
    const std::optional<ledger::page_cursor> &from_;
    std::optional<ledger::page_cursor> at_;
    std::unordered_set<std::string> decided_;
};

Datum likes(FunctionCallInfo fcinfo) {
    using in = arguments::likes;
    const pg::arguments given(fcinfo);
    const std::string_view of = ledger::require_text("pass_id", given.text(in::pass_id));
    const std::int32_t size = ledger::read_page_size(given.int4(in::page_size));
    const auto cursor = ledger::read_cursor(given.text(in::page_cursor));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, of, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    reader words(spi, where, pass_id, cursor);
    std::vector<std::vector<pg::nullable_datum>> page; // as the SPI connection keeps them
    ledger::page_cursor last;
    const bool more = words.read(static_cast<std::size_t>(size), [&](const pg::rows &found, std::uint64_t i) {
        std::vector<pg::nullable_datum> &columns = page.emplace_back();
        columns.push_back(found.column(i, 1));
        columns.push_back(found.column(i, 0));
        for (int c = generation_column; c < is_liked_column; ++c)
            columns.push_back(found.column(i, c));
        last = position_of(found, i);
    });
    if (page.empty())
        ledger::require_visible_customer(spi, where, pass_id, of);
    const pg::nullable_datum next =
        pg::to_datum(more ? std::optional(ledger::write_cursor(last)) : std::optional<std::string>());
    for (auto &columns : page) {
        columns.push_back(next);
        result.add_columns(columns);
    }
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_likes, mega::studio::likes);
