// The rules of core as SQL predicates, for CHECK constraints of ours and of anybody. All are strict.
#include "core/pass_id.hpp"
#include "core/permanent_url.hpp"
#include "core/record_id.hpp"
#include "function_arguments.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"

namespace mega::schema {

namespace {

// What holds for the arguments; NULL for NULL, whatever became of STRICT.
template <class... Given> Datum answer(FunctionCallInfo fcinfo, auto holds, const std::optional<Given> &...given) {
    if (!(... && given.has_value()))
        return pg::return_null(fcinfo);
    return BoolGetDatum(holds(*given...));
}

Datum is_pass_id(FunctionCallInfo fcinfo) {
    return answer(fcinfo, core::is_pass_id, pg::arguments(fcinfo).text(arguments::is_pass_id::pass_id));
}

Datum is_record_id(FunctionCallInfo fcinfo) {
    using in = arguments::is_record_id;
    const pg::arguments given(fcinfo);
    return answer(fcinfo, core::is_record_id, given.text(in::record_type), given.text(in::mg_id));
}

Datum is_permanent_url(FunctionCallInfo fcinfo) {
    using in = arguments::is_permanent_url;
    const auto permanent = [](std::string_view url) { return core::is_permanent_url(url); };
    return answer(fcinfo, permanent, pg::arguments(fcinfo).text(in::url));
}

Datum has_expiring_url(FunctionCallInfo fcinfo) {
    using in = arguments::has_expiring_url;
    const auto expiring = [](pg::jsonb document) {
        return pg::any_string(document, [](std::string_view text) { return core::has_expiring_url(text); });
    };
    return answer(fcinfo, expiring, pg::arguments(fcinfo).json(in::document));
}

} // namespace

} // namespace mega::schema

PG_ENTRY(mega_is_pass_id, mega::schema::is_pass_id);
PG_ENTRY(mega_is_record_id, mega::schema::is_record_id);
PG_ENTRY(mega_is_permanent_url, mega::schema::is_permanent_url);
PG_ENTRY(mega_has_expiring_url, mega::schema::has_expiring_url);
