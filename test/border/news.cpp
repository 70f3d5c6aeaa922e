// News of the catalogs for every other session, all the time.
#include "pg/entry.hpp"
#include "pg/result.hpp"

#include <unistd.h>

extern "C" {
#include <catalog/pg_attribute.h>
#include <catalog/pg_index.h>
#include <catalog/pg_namespace.h>
#include <storage/sinval.h>
}

namespace border {

namespace {

// Has every other session forget all that it knows of the catalogs, whenever it looks for news: as it does whenever it
// locks a relation. For that many seconds; returns how often.
Datum tell_news(FunctionCallInfo fcinfo) {
    constexpr std::int64_t microseconds = 1'000'000;
    const TimestampTz end =
        GetCurrentTimestamp() + static_cast<std::int64_t>(*pg::arguments(fcinfo).int4(0)) * microseconds;
    std::int64_t told = 0;
    for (; GetCurrentTimestamp() < end; ++told) {
        pg::check_for_interrupts();
        pg::call([] {
            constexpr Oid catalogs[] = {ProcedureRelationId, NamespaceRelationId, RelationRelationId,  TypeRelationId,
                                        AttributeRelationId, IndexRelationId,     ConstraintRelationId};
            SharedInvalidationMessage news[1 + std::size(catalogs)];
            news[0].rc.id = SHAREDINVALRELCACHE_ID; // of every relation
            news[0].rc.dbId = InvalidOid;
            news[0].rc.relId = InvalidOid;
            for (std::size_t i = 0; i < std::size(catalogs); ++i) {
                news[1 + i].cat.id = SHAREDINVALCATALOG_ID;
                news[1 + i].cat.dbId = InvalidOid;
                news[1 + i].cat.catId = catalogs[i];
            }
            SendSharedInvalidMessages(news, static_cast<int>(std::size(news)));
        });
        usleep(5000); // what they forgot has to be read anew: with more news they would do little else
    }
    return pg::to_datum(told).value;
}

} // namespace

} // namespace border

PG_ENTRY(border_tell_news, border::tell_news);
