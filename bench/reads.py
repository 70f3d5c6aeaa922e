"""Reading, sweeping, and what happens when tables and customers grow."""

import tempfile
from pathlib import Path
from statistics import mean

import calls
import server
from result import Line, Target, interleaved, medians

LARGE = "bench_large"


def timed(statement, runs, database=server.DATABASE, options=""):
    quoted = statement.replace("'", "''")
    return float(server.value(f"CALL bench.timed('{quoted}', {runs}, 0)", database=database, options=options))


def balance(scale):
    scripts = {"mega": "balance", "by key": "balance_by_key"}

    def sample(contestant, _):
        return server.pgbench(scripts[contestant], "-c", 1, "-T", scale["seconds"], customers=scale["customers"])[1] * 1000

    values = medians(interleaved(scripts, scale["rounds"], sample))
    return [Line("balance", "mega_balance against SELECT by primary key, over the wire", "µs", values,
                 Target(("mega", "by key"), 1.2, 1.5))]


def reconcile(scale):
    statements = {
        "mega": "SELECT count(*) FROM mega_reconcile_credits()",
        "GROUP BY": "SELECT count(*) FROM (SELECT mg_pass_id, sum(mg_delta) FROM mega_generations "
                    "WHERE mg_record_type = 'credit_transaction' GROUP BY mg_pass_id) s",
    }
    rounds = interleaved(statements, scale["rounds"], lambda name, _: timed(statements[name], 1, database=LARGE))
    credits, customers = server.psql("SELECT count(*) FILTER (WHERE mg_record_type = 'credit_transaction'), "
                                     "count(DISTINCT mg_pass_id) FROM mega_generations", database=LARGE)[0]
    return [Line("reconcile", f"reconciliation of {credits} credit rows of {customers} customers", "ms", medians(rounds),
                 Target(("mega", "GROUP BY"), 1.3, 1.6))]


def large(scale):
    """Needs a database of its own: pages of a customer with very many rows, and calls beside a long ledger."""
    server.copy_database(LARGE)
    server.psql(file=server.HERE / "sql" / "whale.sql", variables={"rows": scale["large_rows"]}, database=LARGE)
    try:
        return pages(scale) + reconcile(scale) + growth(scale)
    finally:
        server.drop_database(LARGE)


def pages(scale):
    rows = scale["large_rows"]
    statement = "SELECT count(*) FROM mega_credit_statement('pass:shopify:credits', 100%s)"
    history = "SELECT count(*) FROM mega_generation_history('pass:shopify:history', 50%s)"
    deep = "next_cursor FROM %s('pass:shopify:%s', 1000) LIMIT 1"
    lines = []
    for name, page, size, aim, passing in (("credit_statement", statement, 100, 2, 4),
                                           ("generation_history", history, 50, 1, 1)):
        who = "credits" if name == "credit_statement" else "history"
        cursor = server.value("SELECT " + deep % (f"mega_{name}", who), database=LARGE)
        for which, argument in (("first page", ""), ("a page behind 1,000 rows", f", '{cursor}'")):
            took = timed(page % argument, scale["page_runs"], database=LARGE)
            what = f"{name}, {which} of {size}, a customer of {rows} rows"
            lines.append(Line("pages", what, "ms", {"mega": took}, Target(None, aim, passing)))
    return lines


def growth(scale):
    """The same calls beside a short and a long ledger."""
    databases = {"long ledger": LARGE, "short ledger": server.DATABASE}
    statement = calls.CREDIT["mega"] % ("'job'", "id")
    for database in databases.values():
        calls.make_loop("growth", "mega", statement, database=database)

    def sample(contestant, number):
        return calls.run_loop("growth", "mega", f"growth{number}-", scale["calls"] // 5, scale["customers"],
                              database=databases[contestant])["mean"]

    values = medians(interleaved(databases, scale["rounds"], sample))
    sizes = [server.value("SELECT count(*) FROM mega_generations", database=one) for one in databases.values()]
    return [Line("growth", f"a call beside {sizes[0]} ledger rows and beside {sizes[1]}", "µs", values,
                 Target(("long ledger", "short ledger"), 1.25, 1.25))]


def sweep(scale):
    server.psql(file=server.HERE / "sql" / "holds.sql",
                variables={"holds": scale["holds"], "customers": scale["customers"]})
    released, seconds = map(float, server.psql("CALL bench.sweep(1000, 0, 0)")[-1])
    if released != scale["holds"]:
        raise SystemExit(f"the sweep released {released} of {scale['holds']} holds")
    return [Line("sweep", f"{scale['holds']} expired holds, 1,000 a transaction", "holds/s", {"mega": released / seconds},
                 Target(None, 20000, 10000, True))]


def topups(scale):
    name = "bench_topups"
    server.copy_database(name)
    try:
        server.psql(file=server.HERE / "sql" / "topups.sql", variables={"customers": scale["topup_customers"]},
                    database=name)
        took = timed("SELECT count(*) FROM mega_topup_due()", 20, database=name)
        due = server.value("SELECT count(*) FROM mega_topup_due()", database=name)
    finally:
        server.drop_database(name)
    what = f"topup_due, {due} due of {scale['topup_customers']} customers"
    return [Line("topups", what, "ms", {"mega": took})]


def events(scale):
    """Events of one customer from eight clients: the cost of one must not grow with those before it."""
    lines = []
    for script, name in (("raw_event", "raw INSERT"), ("event", "mega_record_mma_event"), ("bare_event", "bare statements")):
        server.vacuum("mega", "bare")
        values, tps = tenths(script, scale["events"] // 8)
        target = None if script == "bare_event" else Target(("last tenth", "first tenth"), 1.25, 1.25)
        what = f"{scale['events']} events of one customer from 8 clients, no vacuum between: {name}"
        lines.append(Line("events", what, "µs", values, target, {"tps": tps}))
    server.vacuum("mega", "bare")
    return lines


def tenths(script, transactions):
    """Mean latency of the last and the first tenth of the transactions, and all per second."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "events"
        tps, _ = server.pgbench(script, "-c", 8, "-j", 2, "-t", transactions, "-l", "--log-prefix", prefix,
                                settings={"synchronous_commit": "off"})
        logged = [line.split() for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
    logged.sort(key=lambda one: (int(one[4]), int(one[5])))
    latencies = [int(one[2]) for one in logged]
    tenth = len(latencies) // 10
    return {"last tenth": mean(latencies[-tenth:]), "first tenth": mean(latencies[:tenth])}, tps
