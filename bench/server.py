"""The private server: psql and pgbench as its clients, and the databases the measurements run in."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = ("mega_customers", "mega_generations")
# Everything that is timed, by the name its column has. The path is a setting of the session.
SCHEMAS = {"mega": "public", "mega sql": "public", "plpgsql": "handwritten", "application": "application", "bare": "bare"}
DATABASE = "bench"


def options_of(contestant, settings=None):
    """PGOPTIONS for a contestant's session."""
    settings = dict(settings or {})
    if contestant == "mega sql":
        settings["mega.write_path"] = "sql"
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def run(arguments, options="", database=DATABASE):
    environment = dict(os.environ, PGOPTIONS=options, PGDATABASE=database)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
    return done.stdout


def psql(*statements, options="", database=DATABASE, file=None, variables=None):
    """Runs statements in one session and returns the last one's rows as lists of texts."""
    arguments = ["psql", "-XAtqv", "ON_ERROR_STOP=1", "-F", "\t"]
    for name, value in (variables or {}).items():
        arguments += ["-v", f"{name}={value}"]
    if file:
        arguments += ["-f", str(file)]
    for statement in statements:
        arguments += ["-c", statement]
    return [line.split("\t") for line in run(arguments, options, database).splitlines()]


def value(statement, **named):
    return psql(statement, **named)[-1][0]


def pgbench(script, *arguments, contestant="mega", settings=None, customers=1, database=DATABASE):
    """Runs a script of bench/pgbench and returns transactions per second and the mean latency in ms."""
    path = HERE / "pgbench" / f"{script}.sql"
    out = run(
        ["pgbench", "-n", "-M", "prepared", "-D", f"customers={customers}", "-D", "prefix=pass:shopify:", "-f", str(path),
         *map(str, arguments)],
        options_of(contestant, settings),
        database,
    )
    tps = float(re.search(r"tps = ([\d.]+)", out).group(1))
    latency = float(re.search(r"latency average = ([\d.]+)", out).group(1))
    failed = re.search(r"number of failed transactions: (\d+)", out)
    if failed and int(failed.group(1)):
        raise SystemExit(f"{script}: {failed.group(0)}")
    return tps, latency


def vacuum(*contestants, database=DATABASE):
    """Between rounds: what one round left behind is not another's burden."""
    names = {f"{SCHEMAS.get(one, 'public')}.{table}" for one in contestants for table in TABLES}
    psql(f"VACUUM {', '.join(sorted(names))}", database=database)


def make_database(scale):
    psql("DROP DATABASE IF EXISTS bench", database="postgres")
    psql("CREATE DATABASE bench", database="postgres")
    psql("CREATE EXTENSION mega")
    psql(file=HERE / "sql" / "customers.sql", variables=scale)
    psql(file=HERE / "sql" / "rivals.sql")
    psql(file=HERE / "sql" / "loops.sql")


def copy_database(name):
    psql(f"DROP DATABASE IF EXISTS {name}", database="postgres")
    psql(f"CREATE DATABASE {name} TEMPLATE {DATABASE}", database="postgres")


def drop_database(name):
    psql(f"DROP DATABASE IF EXISTS {name}", database="postgres")
