// The library as Postgres loads it, above all rooms: it wakes what has to be watched, and tells its version.
#include "ledger/direct.hpp"
#include "pg/entry.hpp"
#include "pg/heap_writer.hpp"
#include "pg/spi.hpp"
#include "schema/character_set.hpp"
#include "schema/settings.hpp"
#include "schema/table_catalog.hpp"

extern "C" {

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    mega::define_settings();
    pg::watch_namespaces();
    pg::watch_heap_writers();
    mega::ledger::direct::watch_transactions();
    mega::schema::watch_tables();
    mega::schema::tell_character_set();
}

} // extern "C"

namespace mega::schema {

static Datum version(FunctionCallInfo) { return pg::to_datum(MEGA_VERSION).value; }

} // namespace mega::schema

PG_ENTRY(mega_version, mega::schema::version);
