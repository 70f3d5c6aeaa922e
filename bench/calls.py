"""Single calls inside one transaction, timed one by one on the server: no client, no network, no commit between them."""

from statistics import median

import server
from result import Line, Target, interleaved

COLUMNS = """(mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_status,
    mg_source_system)"""
BARE_CREDIT = f"""INSERT INTO bare.mega_generations {COLUMNS} VALUES ('credit_transaction:' || gen_random_uuid(),
    'credit_transaction', who, -1, 'render', 'api', %s, %s, 'succeeded', 'api');
    UPDATE bare.mega_customers SET mg_credits = mg_credits - 1, mg_updated_at = clock_timestamp() WHERE mg_pass_id = who;"""
STEP = """PERFORM * FROM mega_append_mma_step('g' || substr(who, 14), 'prompt', '{"brief": "a vase", "tags": ["style.minimal"]}',
    '{"clean_prompt": "a vase in the morning light, soft shadows", "model": "writer"}');"""
BARE_STEP = """INSERT INTO bare.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no,
    mg_step_type, mg_payload, mg_status, mg_mma_mode, mg_source_system, mg_created_at, mg_updated_at) VALUES (row_.mg_id,
    row_.mg_record_type, row_.mg_pass_id, row_.mg_generation_id, row_.mg_parent_id, row_.mg_step_no, row_.mg_step_type,
    row_.mg_payload, row_.mg_status, row_.mg_mma_mode, row_.mg_source_system, row_.mg_created_at, row_.mg_updated_at);"""
EVENT = """PERFORM * FROM mega_record_mma_event(who, 'like', jsonb_build_object('tags', jsonb_build_array('style.minimal',
    'tone.warm', 'subject.' || i % 50)));"""
BARE_EVENT = """INSERT INTO bare.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta, mg_source_system, mg_created_at,
    mg_updated_at) VALUES (row_.mg_id, row_.mg_record_type, row_.mg_pass_id, row_.mg_meta, row_.mg_source_system,
    row_.mg_created_at, row_.mg_updated_at);
    UPDATE bare.mega_customers SET mg_mma_preferences = result.mg_mma_preferences, mg_mma_preferences_updated_at =
    result.mg_mma_preferences_updated_at, mg_updated_at = result.mg_updated_at WHERE mg_pass_id = who;"""
NEWEST_STEP = """SELECT * INTO row_ FROM public.mega_generations WHERE mg_generation_id = 'g' || substr(who, 14)
    AND mg_record_type = 'mma_step' ORDER BY mg_step_no DESC LIMIT 1;"""
NEWEST_EVENT = """SELECT * INTO row_ FROM public.mega_generations WHERE mg_pass_id = who AND mg_record_type = 'mma_event'
    ORDER BY mg_created_at DESC LIMIT 1;
    SELECT mg_mma_preferences, mg_mma_preferences_updated_at, mg_updated_at INTO result FROM public.mega_customers
    WHERE mg_pass_id = who;"""
CREDIT = {
    "mega": "PERFORM * FROM mega_record_credit(who, -1, 'render', 'api', %s, %s);",
    "mega sql": "PERFORM * FROM mega_record_credit(who, -1, 'render', 'api', %s, %s);",
    "plpgsql": "PERFORM * FROM handwritten.record_credit(who, -1, 'render', 'api', %s, %s);",
    "bare": BARE_CREDIT,
}
HOLD = "PERFORM * FROM mega_hold_credit(who, 1, id); PERFORM * FROM mega_capture_credit(id);"


def loop_name(measure, contestant):
    return f"{measure}_{contestant}".replace(" ", "_")


def make_loop(measure, contestant, statement, prepare="", database=server.DATABASE):
    name = loop_name(measure, contestant)
    server.psql(f"SELECT bench.make_loop('{name}', $p${prepare}$p$, $s${statement}$s$)", database=database)


def run_loop(measure, contestant, tag, calls, customers, settings=None, database=server.DATABASE):
    """Runs a loop in one transaction, warmed by a short one; mean, p50, p99, first and last tenth in µs a call."""
    name = loop_name(measure, contestant)
    options = server.options_of(contestant, dict({"synchronous_commit": "off"}, **(settings or {})))
    warm = f"SELECT * FROM bench.{name}('warm{tag}', {min(calls, 100)}, {customers})"
    # The warm-up rolls back: what it wrote must not count as written.
    rows = server.psql("BEGIN", warm, "ROLLBACK", f"SELECT * FROM bench.{name}('{tag}', {calls}, {customers})",
                       options=options, database=database)
    return dict(zip(("mean", "p50", "p99", "first", "last"), map(float, rows[-1])))


def sampled(measure, statements, calls, customers, rounds, prepares=None):
    """Medians of the rounds: {"mean": {contestant: µs}, "p50": …, "p99": …}."""
    for contestant, statement in statements.items():
        make_loop(measure, contestant, statement, (prepares or {}).get(contestant, ""))

    def sample(contestant, number):
        if contestant == next(iter(statements)):
            server.vacuum(*statements)
        tag = f"{measure}{number}{contestant[4:]}-"  # the two paths of mega share tables, so not references
        return run_loop(measure, contestant, tag.replace(" ", ""), calls, customers)

    counted = interleaved(statements, rounds, sample)
    return {
        kind: {name: median(one[name][kind] for one in counted) for name in statements} for kind in ("mean", "p50", "p99")
    }


def call(scale):
    """One mega_record_credit per call, each for another customer, in one transaction."""
    lines = []
    for what, reference in (("without a reference", ("NULL", "NULL")), ("with a reference", ("'job'", "id"))):
        measure = "call_ref" if reference[1] == "id" else "call"
        statements = {name: statement % reference for name, statement in CREDIT.items()}
        kinds = sampled(measure, statements, scale["calls"], scale["customers"], scale["rounds"])
        lines += percentiles("call", f"record_credit {what}", kinds, ("p50",), Target(("mega", "plpgsql"), 0.3, 0.34))
    return lines


def step(scale):
    statements = {"mega": STEP, "bare": BARE_STEP, "mega sql": STEP}
    kinds = sampled("step", statements, scale["generations"], scale["generations"], scale["rounds"], {"bare": NEWEST_STEP})
    target = Target(("mega", "bare"), 1.2, 1.4)
    return percentiles("step", "append_mma_step against a bare INSERT", kinds, ("p50", "p99"), target)


def event(scale):
    calls = min(scale["customers"], scale["generations"])
    statements = {"mega": EVENT, "bare": BARE_EVENT, "mega sql": EVENT}
    kinds = sampled("event", statements, calls, calls, scale["rounds"], {"bare": NEWEST_EVENT})
    target = Target(("mega", "bare"), 1.1, 1.3)
    return percentiles("event", "record_mma_event against INSERT + UPDATE", kinds, ("p50", "p99"), target)


def percentiles(measure, what, kinds, graded, target):
    """A line for each of p50, p99 and the mean; those that are graded have the target."""
    return [
        Line(measure, f"{what}, {kind}", "µs", kinds[kind], target if kind in graded else None)
        for kind in ("p50", "p99", "mean")
    ]


def hold(scale):
    statements = {"hold": HOLD, "mega": CREDIT["mega"] % ("NULL", "NULL")}
    kinds = sampled("hold", statements, scale["calls"] // 5, scale["customers"], scale["rounds"])
    named = {kind: {"hold + capture": one["hold"], "one call": one["mega"]} for kind, one in kinds.items()}
    target = Target(("hold + capture", "one call"), 1.9, 2.1)
    return percentiles("hold", "hold + capture against one record_credit", named, ("p50",), target)


def hot_transaction(scale):
    """One customer written again and again in one transaction: the version chain must not make calls dearer."""
    statements = {name: CREDIT[name] % ("NULL", "NULL") for name in ("mega", "mega sql", "plpgsql")}
    calls = scale["calls"] // 5
    for contestant, statement in statements.items():
        make_loop("hot", contestant, statement)

    def sample(contestant, number):
        server.vacuum(contestant)
        return run_loop("hot", contestant, f"hot{number}-", calls, 1)

    rounds = interleaved(statements, scale["rounds"], sample)
    lines = []
    for contestant in statements:
        values = {f"{which} tenth": median(one[contestant][which] for one in rounds) for which in ("last", "first")}
        target = Target(("last tenth", "first tenth"), 1.25, 1.25) if contestant == "mega" else None
        what = f"one customer, {calls} calls in one transaction: {contestant}"
        lines.append(Line("hot_transaction", what, "µs", values, target))
    return lines


def subtransactions(scale):
    """One customer written again and again, each call in a block of plpgsql that catches errors."""
    contestants = ("mega", "mega sql", "plpgsql")
    calls = scale["calls"] // 2
    for contestant in contestants:
        call_ = CREDIT[contestant] % ("NULL", "NULL")
        make_loop("sub", contestant, f"BEGIN {call_} EXCEPTION WHEN division_by_zero THEN NULL; END;")

    def sample(contestant, number):
        server.vacuum(contestant)
        return run_loop("sub", contestant, f"sub{number}-", calls, 1)

    rounds = interleaved(contestants, scale["rounds"], sample)
    values = {name: median(one[name]["mean"] for one in rounds) for name in contestants}
    what = f"one customer, {calls} subtransactions in one transaction"
    return [
        Line("subtransactions", f"{what}: {name}", "µs", {name: values[name], "plpgsql": values["plpgsql"]},
             Target((name, "plpgsql"), 1, 1))
        for name in ("mega", "mega sql")
    ]
