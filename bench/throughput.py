"""Whole transactions: clients at once, batches, bulk loads, and what each leaves on disk."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import calls
import server
from result import Line, Target, interleaved, medians

SCRIPTS = {"mega": "mega", "mega sql": "mega", "plpgsql": "handwritten", "application": "application"}


def clients(scale):
    """pgbench: a spend with a reference, each for a random customer."""
    lines = []
    for durable in ("off", "on"):
        for count in scale["clients"]:

            def sample(contestant, _):
                tps, _ = server.pgbench(
                    SCRIPTS[contestant], "-c", count, "-j", min(count, 2), "-T", scale["seconds"], contestant=contestant,
                    settings={"synchronous_commit": durable}, customers=scale["customers"],
                )
                return tps

            values = medians(interleaved(SCRIPTS, scale["rounds"], sample))
            what = f"{count} client{'s' if count > 1 else ''}, synchronous_commit {durable}"
            graded = count == 2 and durable == "off"
            target = Target(("mega", "plpgsql"), 1.9, 1.9, True) if graded else None
            extra = {"clients": count, "synchronous_commit": durable}
            lines.append(Line("clients", what, "tps", values, target, extra))
            if graded:
                chosen = {name: values[name] for name in ("mega", "application")}
                lines.append(Line("clients", f"{what}, against the application", "tps", chosen,
                                  Target(("mega", "application"), 2.4, 2, True)))
    return lines


def hot_customer(scale):
    """Eight clients spend from one customer."""
    def sample(contestant, _):
        return server.pgbench(SCRIPTS[contestant], "-c", 8, "-j", 2, "-T", scale["seconds"], contestant=contestant,
                              settings={"synchronous_commit": "off"}, customers=1)[0]

    values = medians(interleaved(SCRIPTS, scale["rounds"], sample))
    server.vacuum(*SCRIPTS)
    return [Line("hot_customer", "8 clients, one customer, synchronous_commit off", "tps", values)]


def batch(scale):
    """mega_record_credits of growing size, each batch a durable transaction. What two clients reach is also compared with
    one client's calls by hand, one by one: the wanted rows a second were set where such a call takes 31 µs."""
    statements = {
        "mega": "SELECT * FROM mega_record_credits($1)",
        "mega sql": "SELECT * FROM mega_record_credits($1)",
        "plpgsql": "SELECT handwritten.record_credits($1)",
    }
    calls.make_loop("batch", "plpgsql", calls.CREDIT["plpgsql"] % ("NULL", "NULL"))
    singly = "by hand, one by one"
    lines = []
    for size, clients in ((1, 1), (10, 1), (100, 1), (1000, 1), (10000, 1), (10000, 2)):
        batches = max(2, min(200, scale["batch_rows"] // size))

        def sample(contestant, number):
            if contestant == singly:
                server.vacuum("plpgsql")
                return 1e6 / calls.run_loop("batch", "plpgsql", f"b{number}-", scale["calls"], scale["customers"])["mean"]

            def one(client):
                tag = f"{contestant}-{size}-{clients}-{number}-{client}-"
                first = client * scale["customers"] // clients  # whoever grants first has a customer until it commits
                arguments = f"'{statements[contestant]}', '{tag}', {size}, {batches}, {scale['customers']}, {first}, 0"
                return float(server.value(f"CALL bench.batches({arguments})", options=server.options_of(contestant)))

            with ThreadPoolExecutor(clients) as pool:
                return sum(pool.map(one, range(clients)))

        values = medians(interleaved([*statements, *([singly] if clients == 2 else [])], scale["rounds"], sample))
        server.vacuum(*statements)
        by_hand = values.pop(singly, None)
        target = Target(None, 120000, 80000, True) if clients == 2 else None
        if size == 10000 and clients == 1:  # by hand it is one INSERT … SELECT and one UPDATE: 0.45 and 0.52 of its time
            target = Target(("mega", "plpgsql"), round(1 / 0.45, 2), round(1 / 0.52, 2), True)
        what = f"batches of {size}, durable, {'1 client' if clients == 1 else f'{clients} clients, other customers'}"
        lines.append(Line("batch", what, "rows/s", values, target, {"size": size, "clients": clients}))
        if by_hand:
            lines.append(Line("batch", "the same against calls by hand, 1 client, one transaction", "rows/s",
                              {"mega": values["mega"], singly: by_hand},
                              Target(("mega", singly), round(120000 * 31e-6, 2), round(80000 * 31e-6, 2), True)))
    return lines


def copy(scale):
    """COPY of credit rows; mega also projects them onto their customers."""
    folder = Path(server.value("SHOW data_directory"))
    tables = {"mega": "public", "bare": "bare"}
    columns = "mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_status, mg_source_system"
    lines = []
    for customers in (1000, scale["customers"]):

        def sample(contestant, _):
            if contestant == "mega":
                server.vacuum(*tables)
                server.psql(f"""COPY (SELECT 'credit_transaction:' || gen_random_uuid(), 'credit_transaction',
                    'pass:shopify:' || n % {customers}, 1, 'grant', 'import', 'succeeded', 'api'
                    FROM generate_series(1, {scale['copy_rows']}) n) TO '{folder}/bench.copy'""")
            statement = f"COPY {tables[contestant]}.mega_generations ({columns}) FROM ''{folder}/bench.copy''"
            return float(server.value(f"CALL bench.timed('{statement}', 1, 0)"))

        values = medians(interleaved(tables, scale["rounds"], sample))
        what = f"COPY of {scale['copy_rows']} credit rows of {customers} customers"
        lines.append(Line("copy", what, "ms", values, Target(("mega", "bare"), 1.2, 1.4)))
    return lines


def footprint(scale):
    """Bytes of table, index and WAL per credit, and the share of balance changes that stay on their page."""
    lines = {name: {} for name in ("table", "index", "WAL", "HOT")}
    count = scale["calls"]
    for contestant, script in SCRIPTS.items():
        schema = server.SCHEMAS[contestant]
        server.vacuum(contestant)
        server.psql(f"REINDEX TABLE {schema}.mega_generations")  # what was measured before left each table otherwise
        for transactions in (count // 2, count):  # the first splits the new index's full pages
            before = measured(schema)
            server.pgbench(script, "-c", 2, "-t", transactions // 2, contestant=contestant, customers=scale["customers"],
                           settings={"synchronous_commit": "off"})
        time.sleep(1.5)  # statistics of sessions that ended arrive late
        after = measured(schema)
        table, index, wal, updates, hot = (b - a for a, b in zip(before, after))
        lines["table"][contestant] = table / count
        lines["index"][contestant] = index / count
        lines["WAL"][contestant] = wal / count
        lines["HOT"][contestant] = 100 * hot / updates
    made = [Line("footprint", f"bytes of {name} per credit", "bytes", lines[name]) for name in ("table", "index", "WAL")]
    return made + [Line("footprint", "balance changes that stay on their page (HOT)", "%", lines["HOT"])]


def measured(schema):
    ledger = f"'{schema}.mega_generations'"
    row = server.psql(f"""SELECT pg_table_size({ledger}), pg_indexes_size({ledger}),
        pg_current_wal_insert_lsn() - '0/0'::pg_lsn, n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables
        WHERE relid = '{schema}.mega_customers'::regclass""")[0]
    return [float(one) for one in row]


def memory(scale):
    """Anonymous memory of one backend over very many calls, each a transaction of its own.

    Whoever fills a GIN index's list of pending entries empties it, and needs memory once for that: with the usual limit
    of 4 MB after some 200,000 calls, with a small one from the beginning.
    """
    sizes = []
    calls = threading.Thread(target=server.pgbench, args=("mega", "-c", 1, "-t", scale["memory_calls"]),
                             kwargs={"settings": {"synchronous_commit": "off", "gin_pending_list_limit": "64kB"},
                                     "customers": scale["customers"]})
    calls.start()
    pid = None
    while calls.is_alive():
        if pid is None:
            rows = server.psql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'")
            pid = rows[0][0] if rows else None
        else:
            sizes.append(anonymous_kb(pid))
        calls.join(0.2)
    sizes = [one for one in sizes if one]
    values = {"at the end": sizes[-1], "after a tenth": sizes[len(sizes) // 10]}
    return [Line("memory", f"memory of a backend over {scale['memory_calls']} transactions", "kB", values,
                 Target(("at the end", "after a tenth"), 1.02, 1.1), {"course": sizes})]


def anonymous_kb(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0]) if found else None
