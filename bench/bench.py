"""Measures mega beside its rivals. dev/bench starts the server and calls this."""

import argparse
import os
import sys
import time
from pathlib import Path

import against
import calls
import lots
import moving
import office
import people
import plots
import reads
import report
import server
import studio
import throughput

# In this order: what needs many customers untouched comes first, what leaves much behind comes last.
MEASURES = {
    "call": calls.call,
    "hold": calls.hold,
    "step": calls.step,
    "event": calls.event,
    "balance": reads.balance,
    "footprint": throughput.footprint,
    "clients": throughput.clients,
    "batch": throughput.batch,
    "copy": throughput.copy,
    "large": reads.large,
    "sweep": reads.sweep,
    "events": reads.events,
    "memory": throughput.memory,
    "hot_customer": throughput.hot_customer,
    "hot_transaction": calls.hot_transaction,
    "subtransactions": calls.subtransactions,
    "topups": reads.topups,
    "office": office.office,
    "studio": studio.studio,
    "people": people.people,
    "lots": lots.lots,
    "moving": moving.moving,
}
FULL = {
    "customers": 50000, "credits": 100000, "generations": 5000, "rounds": 5, "calls": 20000, "seconds": 3,
    "clients": (1, 2, 8, 32), "batch_rows": 20000, "copy_rows": 100000, "memory_calls": 100000, "holds": 100000,
    "events": 10000, "topup_customers": 100000, "large_rows": 1000000, "page_runs": 50,
    "population": 100000, "likes": 100000, "movers": 10000,
}
QUICK = dict(FULL, customers=5000, credits=10000, generations=1000, rounds=1, calls=3000, seconds=1, clients=(1, 2),
             batch_rows=500, copy_rows=10000, memory_calls=10000, holds=5000, events=2000, topup_customers=10000,
             large_rows=20000, population=10000, likes=5000, movers=1000)
WRITTEN = ("calls", "batch_rows", "copy_rows", "memory_calls", "holds", "events")  # what --volume multiplies
# What --scale multiplies: the sizes at which cost must not have grown.
GROWING = ("memory_calls", "topup_customers", "large_rows")


def arguments():
    parser = argparse.ArgumentParser(prog="dev/bench")
    parser.add_argument("--quick", action="store_true", help="everything once, small: to see that it works")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", default=[], help=", ".join(MEASURES))
    parser.add_argument("--scale", type=int, default=1, help="how many times larger the long ledger and the like are")
    parser.add_argument("--rounds", type=int, help="rounds that count, five otherwise")
    parser.add_argument("--seconds", type=int, help="how long a run of pgbench takes, three otherwise")
    parser.add_argument("--volume", type=float, default=1, help="how much is written in a round, 1 otherwise")
    parser.add_argument("--population", type=int, help="generations and customers of the large studio, 100000 otherwise")
    parser.add_argument("--against", metavar="SOCKET", help="the server of another revision, to be compared with this one's")
    parser.add_argument("--docs", type=Path, help="where plots go besides the results' folder")
    parser.add_argument("--results", type=Path, required=True)
    return parser.parse_args()


def scale_of(given):
    scale = dict(QUICK if given.quick else FULL)
    for name in GROWING:
        scale[name] *= given.scale
    for name in WRITTEN:
        scale[name] = int(scale[name] * given.volume)
    for name in ("rounds", "seconds", "population"):
        if getattr(given, name):
            scale[name] = getattr(given, name)
    return scale


def main():
    given = arguments()
    scale = scale_of(given)
    before = report.machine()
    print(f"PostgreSQL {before['settings']['server_version']}, {before['processors']} processors, load {before['load'][0]}")
    if given.against:
        against.compare((given.against, os.environ["PGHOST"]), scale, given.rounds or 12)
        return
    server.make_database({name: scale[name] for name in ("customers", "credits", "generations")})
    lines = []
    for name, measure in MEASURES.items():
        if given.only and name not in given.only:
            continue
        began = time.monotonic()
        made = measure(scale)
        lines += made
        print(f"\n{name} ({time.monotonic() - began:.0f} s)\n{report.table(made)}", flush=True)
        report.write(given.results, lines, scale, before)
    disagreeing = server.value("SELECT count(*) FROM mega_reconcile_credits()")
    if disagreeing != "0":
        sys.exit(f"the books of {disagreeing} customers do not agree")
    plots.draw(given.results / "results.json", given.docs or given.results)
    if given.docs:
        report.put_into(given.docs.with_suffix(".md"), lines, before)
    print(f"\nresults.json, results.csv and table.md are in {given.results}")


if __name__ == "__main__":
    main()
