"""Lots: what they cost a spend, and how fast those that are due end."""

import server
from result import Line, Target, interleaved, medians

NAME = "bench_lots"
SPENDERS = 2000


def lots(scale):
    server.copy_database(NAME)
    server.psql(file=server.HERE / "sql" / "lots.sql", variables={"spenders": SPENDERS, "due": scale["holds"]}, database=NAME)
    try:
        return [*spends(scale), *ends(scale), *nothing_due(scale)]
    finally:
        server.drop_database(NAME)


def spends(scale):
    """Each spend is timed by itself; those of one kind are one transaction."""
    for path in ("auto", "sql"):
        def sample(kind, _):
            server.psql("VACUUM mega_customers", database=NAME)
            return float(server.value(f"SELECT bench.lots('{kind}', {SPENDERS})", database=NAME,
                                      options=f"-c mega.write_path={path}"))

        took = medians(interleaved(("none", "five", "fifty"), scale["rounds"], sample))
        for kind, aim, passing in (("five", 1.15, 1.3), ("fifty", 2, 3)):
            yield Line("lots", f"a spend of a customer with {kind} open lots against one with none, p50, {path}", "µs",
                       {kind: took[kind], "none": took["none"]}, Target((kind, "none"), aim, passing))


def ends(scale):
    """Each is rolled back, so that the next finds the same."""
    due = scale["holds"]
    calls = {"lots": f"SELECT expired FROM mega_expire_credits(max_customers => {due})",
             "holds": f"SELECT count(*) FROM mega_release_expired_holds({due})"}
    for path in ("auto", "sql"):
        def sample(kind, _):
            server.psql("VACUUM mega_customers, mega_generations", database=NAME)
            return float(server.psql("BEGIN", f"SELECT bench.rate('{calls[kind]}', {due})", "ROLLBACK", database=NAME,
                                     options=f"-c mega.write_path={path}")[-1][0])

        yield Line("lots", f"{due} due lots end against as many due holds that are released, {path}", "rows/s",
                   medians(interleaved(calls, scale["rounds"], sample)), Target(("lots", "holds"), 1, 1, True))


def nothing_due(scale):
    server.psql(f"SELECT * FROM mega_expire_credits(max_customers => {scale['holds']})",
                "VACUUM (ANALYZE) mega_customers, mega_generations", database=NAME)
    took = float(server.value(f"CALL bench.timed('SELECT * FROM mega_expire_credits()', {scale['page_runs']}, 0)", database=NAME))
    yield Line("lots", f"nothing is due beside {scale['holds']} lots that ended", "ms", {"mega": took}, Target(None, 5, 5))
