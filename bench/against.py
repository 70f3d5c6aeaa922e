"""Two revisions of mega side by side: short rounds take turns, and what counts is the median of the rounds' own ratios."""

import os
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import calls
import server

LOOPS = {
    "credit": calls.CREDIT["mega"] % ("NULL", "NULL"),
    "credit with a reference": calls.CREDIT["mega"] % ("'job'", "id"),
    "hold and capture": calls.HOLD,
    "step": calls.STEP,
    "event": calls.EVENT,
    "balance": "PERFORM * FROM mega_balance(who);",
    "page of a statement": "PERFORM * FROM mega_credit_statement(who, 50);",
    "page of a history": "PERFORM * FROM mega_generation_history(who, 50);",
}
# These write nothing and go one way only.
READS = {"balance", "page of a statement", "page of a history"}
BATCH = 1000


@contextmanager
def on(host):
    """Statements go to the server whose socket is there."""
    before = os.environ["PGHOST"]
    os.environ["PGHOST"] = host
    try:
        yield
    finally:
        os.environ["PGHOST"] = before


def microseconds(what, contestant, tag, scale):
    """One short round of a loop: µs a call, the mean."""
    many = 10 if what in READS else 1
    count = scale["calls"] * many // 10
    return calls.run_loop("against " + what, contestant, tag, count, scale["generations"])["p50"]


def batch(_, contestant, tag, scale):
    """µs an entry."""
    arguments = f"'SELECT * FROM mega_record_credits($1)', '{tag}', {BATCH}, 2, {scale['customers']}, 0, 0"
    rows = float(server.value(f"CALL bench.batches({arguments})", options=server.options_of(contestant)))
    return 1e6 / rows


def copy(_, contestant, tag, scale):
    """ms for a COPY of 5,000 credit rows of 1,000 customers."""
    folder = Path(server.value("SHOW data_directory"))
    server.psql(f"""COPY (SELECT 'credit_transaction:{tag}' || n, 'credit_transaction', 'pass:shopify:' || n % 1000, 1, 'grant',
        'import', 'succeeded', 'api' FROM generate_series(1, 5000) n) TO '{folder}/against.copy'""")
    columns = "mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_status, mg_source_system"
    statement = f"COPY public.mega_generations ({columns}) FROM ''{folder}/against.copy''"
    return float(server.value(f"CALL bench.timed('{statement}', 1, 0)", options=server.options_of(contestant)))


def sweep(_, contestant, tag, scale):
    """µs a hold that goes back: 1,000 that are over."""
    over = f"""INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id,
        mg_status, mg_meta, mg_source_system) SELECT 'credit_transaction:hold:{tag}' || n, 'credit_transaction',
        'pass:shopify:' || n, -1, 'hold', 'hold', '{tag}' || n, 'pending',
        '{{"hold_expires_at": "2020-01-01T00:00:00Z", "mega": {{"hold_expires_at": "2020-01-01T00:00:00Z"}}}}', 'api'
        FROM generate_series(1, 1000) n"""
    books = """UPDATE mega_customers c SET mg_credits = c.mg_credits - 1 FROM generate_series(1, 1000) n
        WHERE c.mg_pass_id = 'pass:shopify:' || n"""
    server.psql("SET session_replication_role = replica", over, books)
    timed = "CALL bench.timed('SELECT count(*) FROM mega_release_expired_holds(1000)', 1, 0)"
    took = float(server.value(timed, options=server.options_of(contestant)))
    if server.value(f"SELECT count(*) FROM mega_generations WHERE mg_id LIKE 'credit_transaction:release:{tag}%'") != "1000":
        raise SystemExit("the sweep left holds")
    return took


def measures():
    made = {what: (microseconds, ("mega",) if what in READS else ("mega", "mega sql")) for what in LOOPS}
    both = ("mega", "mega sql")
    return made | {"an entry of a batch": (batch, both), "COPY": (copy, both), "sweep": (sweep, ("mega",))}


def compare(hosts, scale, rounds):
    """hosts: of the earlier revision's server and of this one's. Prints a line for each measure."""
    for host in hosts:
        with on(host):
            server.make_database({name: scale[name] for name in ("customers", "credits", "generations")})
            for what, statement in LOOPS.items():
                for contestant in ("mega", "mega sql"):
                    calls.make_loop("against " + what, contestant, statement)
    print(f"{'':36}{'before':>10}{'now':>10}  ratio   quarter to three quarters of the rounds")
    for what, (sample, contestants) in measures().items():
        for contestant in contestants:
            pairs = []
            for number in range(rounds + 1):
                one = {}
                for host in hosts if number % 2 else hosts[::-1]:
                    with on(host):
                        server.vacuum(contestant)
                        tag = f"{what}-{contestant}-{number}-".replace(" ", "")
                        one[host] = sample(what, contestant, tag, scale)
                if number:
                    pairs.append([one[host] for host in hosts])
            ratios = sorted(now / before for before, now in pairs)
            named = what + (" by SQL" if contestant == "mega sql" else "")
            before, now = (median(column) for column in zip(*pairs))
            print(f"{named:36}{before:10.1f}{now:10.1f}  {median(ratios):.3f}   "
                  f"{ratios[len(ratios) // 4]:.2f} to {ratios[-1 - len(ratios) // 4]:.2f}", flush=True)
    for host in hosts:
        with on(host):
            if server.value("SELECT count(*) FROM mega_reconcile_credits()") != "0":
                raise SystemExit("the books do not agree")
