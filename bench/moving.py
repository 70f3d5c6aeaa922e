"""Moving in: a legacy shop is imported, imported again, and held against what came of it."""

import server
from result import Line, Target, interleaved, medians

LEGACY, MOVED = "bench_legacy", "bench_moved"
IMPORT = "CALL mega_import('legacy')"
# The same rows into tables with the same columns, keys, checks and indexes.
INSERTS = ("INSERT INTO bare.customers SELECT * FROM mega_customers", "INSERT INTO bare.generations SELECT * FROM mega_generations")
JOINS = ("SELECT count(m.mg_pass_id) FROM legacy.customers l LEFT JOIN mega_customers m ON m.mg_pass_id = 'pass:shopify:' || l.shopify_customer_id",
         "SELECT count(m.mg_id) FROM legacy.credit_transactions l LEFT JOIN mega_generations m ON m.mg_id = 'credit_transaction:' || l.id",
         "SELECT count(m.mg_id) FROM legacy.generations l LEFT JOIN mega_generations m ON m.mg_id = 'generation:' || l.id")
GROUPS = ("SELECT (created_at AT TIME ZONE 'UTC')::date, count(*) FROM legacy.customers GROUP BY 1",
          "SELECT (mg_created_at AT TIME ZONE 'UTC')::date, count(*) FROM mega_customers GROUP BY 1",
          "SELECT (created_at AT TIME ZONE 'UTC')::date, count(*) FROM legacy.credit_transactions GROUP BY 1",
          "SELECT (mg_created_at AT TIME ZONE 'UTC')::date, count(*) FROM mega_generations WHERE mg_record_type = 'credit_transaction' GROUP BY 1",
          "SELECT (created_at AT TIME ZONE 'UTC')::date, count(*) FROM legacy.generations GROUP BY 1",
          "SELECT (mg_created_at AT TIME ZONE 'UTC')::date, count(*) FROM mega_generations WHERE mg_record_type = 'generation' GROUP BY 1")
PARITY = ("SELECT * FROM mega_parity_counts('legacy')",)
REPORT = ("SELECT mega_parity_report('legacy')",)
NEWS = """INSERT INTO legacy.credit_transactions
    SELECT gen_random_uuid(), (5001 + n)::text, 2, 'late', 'app', NULL, NULL, now() FROM generate_series(1, 100) n"""


def moving(scale):
    server.psql(f"DROP DATABASE IF EXISTS {LEGACY}", f"CREATE DATABASE {LEGACY}", database="postgres")
    try:
        server.psql("CREATE EXTENSION mega", database=LEGACY)
        people = scale["movers"]
        server.psql(file=server.HERE / "sql" / "moving.sql", database=LEGACY,
                    variables={"people": people, "credits": 10 * people, "generations": 10 * people})
        what = f"{people} customers, {10 * people} credit rows, {10 * people} generations"
        lines = [Line("moving", f"import of {what} against a bare INSERT … SELECT", "ms",
                      medians([import_once() for _ in range(min(3, scale["rounds"]))]), Target(("mega", "bare"), 1.6, 2.2))]
        return lines + list(again(scale))
    finally:
        for name in (MOVED, LEGACY):
            server.drop_database(name)


def milliseconds(*statements):
    """What statements take in one session, by the server's clock."""
    return float(server.psql("CREATE TEMP TABLE clock AS SELECT clock_timestamp() AS at", *statements,
                             "SELECT extract(epoch FROM clock_timestamp() - at) * 1000 FROM clock", database=MOVED)[-1][0])


def import_once():
    server.psql(f"DROP DATABASE IF EXISTS {MOVED}", f"CREATE DATABASE {MOVED} TEMPLATE {LEGACY}", "CHECKPOINT", database="postgres")
    took = {"mega": milliseconds(IMPORT)}
    server.psql("CHECKPOINT", database="postgres")
    took["bare"] = milliseconds(*INSERTS)
    return took


def compared(scale, contestants):
    return medians(interleaved(contestants, scale["rounds"], lambda name, _: milliseconds(*contestants[name])))


def again(scale):
    server.psql("VACUUM ANALYZE", database=MOVED)
    yield Line("moving", "import once more, nothing new, against a join of the tables by key", "ms",
               compared(scale, {"again": (IMPORT,), "joins": JOINS}), Target(("again", "joins"), 1.5, 2))
    yield Line("moving", "mega_parity_counts against the two GROUP BYs by day of each table", "ms",
               compared(scale, {"counts": PARITY, "groups": GROUPS}), Target(("counts", "groups"), 1.5, 1.5))
    yield Line("moving", "mega_parity_report", "ms", compared(scale, {"mega": REPORT}))
    few = [(server.psql(NEWS, database=MOVED), milliseconds(IMPORT))[1] for _ in range(scale["rounds"])]
    yield Line("moving", "import once more, 100 new credit rows", "ms", medians([{"mega": one} for one in few]))
