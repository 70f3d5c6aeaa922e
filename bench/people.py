"""Customers: two of them become one, and one is found among many."""

import server
from result import Line, Target, interleaved, medians

NAME = "bench_people"
MANY = "three letters with which one address in 4,096 begins"


def people(scale):
    server.copy_database(NAME)
    server.psql(file=server.HERE / "sql" / "people.sql",
                variables={"people": scale["large_rows"], "rows": scale["copy_rows"], "rounds": scale["rounds"]}, database=NAME)
    try:
        return merge(scale) + find(scale)
    finally:
        server.drop_database(NAME)


def merge(scale):
    """Each round has a source of its own, one for the call and one for the statement, which is held to the keys and checks of
    the table, without mega's triggers. Along both write paths the rows move by one statement."""
    rows = scale["copy_rows"]
    statements = {"mega": "SELECT mega_merge_customers('pass:shopify:mega-%d', 'pass:shopify:target')",
                  "bare": "UPDATE mega_generations SET mg_pass_id = 'pass:shopify:bare' WHERE mg_pass_id = 'pass:shopify:bare-%d'"}
    def triggers(which):
        server.psql(f"ALTER TABLE mega_generations {which} TRIGGER USER", "VACUUM mega_generations", database=NAME)

    def sample(contestant, number):
        triggers("DISABLE" if contestant == "bare" else "ENABLE")
        statement = (statements[contestant] % number).replace("'", "''")
        return rows / float(server.value(f"CALL bench.timed('{statement}', 1, 0)", database=NAME)) * 1000

    return [Line("people", f"merge of a source with {rows} rows against a bare UPDATE of the same column", "rows/s",
                 medians(interleaved(statements, scale["rounds"], sample)), Target(("mega", "bare"), 0.7, 0.5, True))]


def find(scale):
    asked = {"the beginning of an e-mail address": "left(mg_email, 9)", "the beginning of a name": "left(mg_first_name, 7)",
             "two names": "mg_first_name || '' '' || left(mg_last_name, 4)", "a Shopify id": "mg_shopify_customer_id",
             "a user id": "mg_user_id::text", "a pass id": "mg_pass_id", "what nobody has": "''nobody at all''",
             MANY: "left(mg_email, 3)"}
    lines = []
    for what, search in asked.items():
        given = server.value("SELECT %s FROM mega_customers WHERE mg_pass_id = 'pass:shopify:p77'" % search.replace("''", "'"),
                             database=NAME)
        call = f"CALL bench.timed('SELECT count(*) FROM mega_find_customers(''{given}'')', {scale['page_runs']}, 0)"
        target = Target(None, 5, 10) if what == MANY else Target(None, 1, 2)
        lines.append(Line("people", f"{what}, looked for among {scale['large_rows']} customers", "ms",
                          {"mega": float(server.value(call, database=NAME))}, target))
    return lines
