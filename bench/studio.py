"""A large studio: claims among many, batches, pages of likes, revokes."""

import re
import tempfile
from statistics import median

import server
from result import Line, Target, interleaved, medians

STUDIO = "bench_studio"
BATCH = 100
# Each statement a transaction of its own, as an application sends it: parsed, planned, committed. :n is the number of
# the run among all of this statement's.
TIMED = """DO $do$
DECLARE
    began timestamptz;
    took double precision[];
BEGIN
    FOR n IN {first}..{last} LOOP
        began := clock_timestamp();
        EXECUTE replace($s${statement}$s$, ':n', n::text);
        COMMIT;
        took := took || extract(epoch FROM clock_timestamp() - began) * 1000;
    END LOOP;
    PERFORM set_config('bench.took', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(took) t)::text, false);
END
$do$"""
# Many in one call, and one: what one says depends on the second argument. :g is one of 200 generations, :who whose they are.
STEP_INPUT, STEP_OUTPUT = '{"brief": "a vase", "tags": ["style.minimal"]}', '{"clean_prompt": "a vase in the morning light", "model": "writer"}'
STEP = f"""mega_append_mma_step('wire-' || (:g)::text, 'prompt', '{STEP_INPUT}', '{STEP_OUTPUT}', provider => 'openai' || %s)"""
STEPS = "mega_append_mma_steps('wire-' || (:g)::text, '[" + ", ".join(
    [f'{{"step_type": "prompt", "input": {STEP_INPUT}, "output": {STEP_OUTPUT}, "provider": "openai1"}}'] * BATCH) + "]')"
EVENT = """mega_record_mma_event((:who)::text, 'like', '{"tags": ["style.minimal", "tone.warm"]}', 'wire-' || (:g)::text || left(%s::text, 0))"""
EVENTS = "mega_record_mma_events(replace(replace('[" + ", ".join(
    ['{"pass_id": "WHO", "event_type": "like", "generation_id": "wire-G", "payload": {"tags": ["style.minimal", "tone.warm"]}}']
    * BATCH) + "]', 'WHO', (:who)::text), 'wire-G', 'wire-' || (:g)::text)::jsonb)"


def run_timed(statement, runs, number, options):
    first = number * runs + 1
    block = TIMED.format(first=first, last=first + runs - 1, statement=statement)
    return float(server.psql(block, "SELECT current_setting('bench.took')", database=STUDIO,
                             options=f"-c synchronous_commit=off {options}")[-1][0])


def timed(scale, statements, runs, options=""):
    """Median ms of each statement, by name, in rounds of A B C; the first does not count."""
    found = {name: [] for name in statements}
    for number in range(scale["rounds"] + 1):
        server.psql("VACUUM mega_customers, mega_generations", database=STUDIO)
        for name, statement in statements.items():
            found[name].append(run_timed(statement, runs, number, options))
    return {name: median(values[1:]) for name, values in found.items()}


def claims(scale):
    """First while all that waits may be claimed, then while half of it is claimed by others, whose claims stand."""
    yield from claim(scale, f"100 wait among {scale['population']}")
    server.psql("SELECT count(*) FROM mega_claim_generations('another', 50)", database=STUDIO)
    yield from claim(scale, "50 of the 100 are claimed")


def claim(scale, which):
    calls = {"claim": "SELECT * FROM mega_claim_generations('worker', lease => interval '1 microsecond')",
             "update": """SELECT * FROM mega_update_generation('update-:n', 'scanning', '{"n": :n}')"""}
    what = f"mega_claim_generations against mega_update_generation, {which}"
    for path in ("auto", "sql"):
        took = timed(scale, calls, 50, options=f"-c mega.write_path={path}")
        yield Line("studio", f"{what}, {path}", "ms", took, Target(("claim", "update"), 2, 3))
        yield Line("studio", f"mega_claim_generations alone, {which}, {path}", "ms", {"mega": took["claim"]}, Target(None, 1, 1))


def hot_moves():
    """The share of HOT updates, in percent, when new generations go through their statuses. What is missing to 100 met a page
    that was full: no index asks for an entry."""
    server.psql("SELECT pg_stat_reset()", database=STUDIO)
    server.psql("""DO $$
        DECLARE
            status text;
        BEGIN
            FOR n IN 1..200 LOOP
                PERFORM mega_create_generation('pass:test:studio', 'hot-' || n, 'still', vars => '{"n": 1}');
                COMMIT;
                FOREACH status IN ARRAY '{scanning,prompting,generating,postscan}'::text[] LOOP
                    PERFORM mega_update_generation('hot-' || n, status);
                    COMMIT;
                END LOOP;
            END LOOP;
        END $$""", "SELECT pg_stat_force_next_flush()", "SELECT pg_sleep(1)", database=STUDIO)
    return float(server.value("SELECT 100.0 * n_tup_hot_upd / n_tup_upd FROM pg_stat_user_tables "
                              "WHERE relid = 'public.mega_generations'::regclass", database=STUDIO))


def batches(scale):
    """Over the wire, as an application sends them: one call, a hundred statements in a transaction, a hundred calls in one."""
    server.psql("SELECT count(*) FROM generate_series(1, 200) n, LATERAL mega_create_generation('pass:test:viewer', 'wire-' || n, 'still')",
                database=STUDIO)
    for kind, batch, single in (("steps", STEPS, STEP), ("events", EVENTS, EVENT)):
        scripts = {"batch": f"SELECT * FROM {batch};\n",
                   "100 statements": "BEGIN;\n" + f"SELECT * FROM {single % 1};\n" * BATCH + "COMMIT;\n",
                   "100 in one": f"SELECT count(*) FROM generate_series(1, {BATCH}) i, LATERAL {single % 'i'};\n"}
        for path in ("auto", "sql"):
            took = medians(interleaved(scripts, scale["rounds"], lambda name, _: over_the_wire(scripts[name], path)))
            yield Line("studio", f"a batch of 100 {kind}, {path}", "ms", took, Target(("batch", "100 statements"), 0.5, 0.5))


def over_the_wire(script, path):
    server.psql("VACUUM mega_customers, mega_generations", database=STUDIO)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\\set g random(1, 200)\n" + script)
        file.flush()
        out = server.run(["pgbench", "-n", "-M", "prepared", "-c", "1", "-t", "30", "-D", "who=pass:test:viewer", "-f", file.name],
                         f"-c synchronous_commit=off -c mega.write_path={path}", STUDIO)
    return float(re.search(r"latency average = ([\d.]+)", out).group(1))


def reads(scale):
    likes = timed(scale, {"mega": "SELECT count(*) FROM mega_likes('pass:test:fan')"}, 20)
    yield Line("studio", f"a page of likes among {scale['likes']} events", "ms", likes, Target(None, 2, 2))
    large = timed(scale, {"mega": """SELECT mega_update_generation('large', vars => '{"n": :n}')""",
                          "check alone": "SELECT mega_has_expiring_url(mg_mma_vars) FROM mega_generations WHERE mg_id = 'generation:large'"}, 20)
    yield Line("studio", "an update of a generation whose variable map has 200 kB, and its URLs' check alone", "ms", large)
    topups = timed(scale, {"mega": "SELECT count(*) FROM mega_claim_topups(retry_after => interval '1 microsecond')"}, 10)
    yield Line("studio", f"mega_claim_topups, 10 due of {scale['population']} customers, of whom a hundredth tops up by itself",
               "ms", topups, Target(None, 20, 50))


def revokes(scale):
    runs = 100
    server.psql(f"""SELECT count(*) FROM generate_series(1, {2 * runs * (scale['rounds'] + 1)}) n,
        LATERAL mega_record_credit('pass:test:studio', 10, 'order', 'shopify', 'order', n::text, 'grant-' || n)""", database=STUDIO)
    for path, name in (("auto", "a"), ("sql", "s")):
        shift = f"(:n + {0 if path == 'auto' else runs * (scale['rounds'] + 1)})"
        calls = {"revoke": f"SELECT * FROM mega_revoke_credit('{name}' || :n, 'grant-' || {shift}, amount => 1)",
                 "record_credit": f"SELECT * FROM mega_record_credit('pass:test:studio', -1, 'spend', 'api', 'job', '{name}' || :n, 'spend-{name}' || :n)"}
        took = timed(scale, calls, runs, options=f"-c mega.write_path={path}")
        yield Line("studio", f"mega_revoke_credit against mega_record_credit, both with a reference, {path}", "ms", took,
                   Target(("revoke", "record_credit"), 1.3, 1.6))


def studio(scale):
    server.copy_database(STUDIO)
    try:
        server.psql(file=server.HERE / "sql" / "studio.sql", database=STUDIO,
                    variables={"population": scale["population"], "likes": scale["likes"]})
        hot = Line("studio", "moves of mg_mma_status that stay on their page (HOT)", "%", {"mega": hot_moves()},
                   Target(None, 100, 99, True))
        return [hot, *claims(scale), *batches(scale), *reads(scale), *revokes(scale)]
    finally:
        server.drop_database(STUDIO)
