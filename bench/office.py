"""The office beside many audits: look-ups by key, pages of audits."""

import server
from result import Line, Target, interleaved, medians

NAME = "bench_office"


def office(scale):
    server.copy_database(NAME)
    server.psql(file=server.HERE / "sql" / "office.sql", variables={"audits": scale["large_rows"]}, database=NAME)
    try:
        return look_ups(scale) + pages(scale)
    finally:
        server.drop_database(NAME)


def look_ups(scale):
    lines = []
    for script, what in (("admin_session", "mega_admin_session"), ("app_config", "mega_app_config, the one in force,")):
        scripts = {"mega": script, "by key": f"{script}_by_key"}

        def sample(contestant, _, scripts=scripts):
            return server.pgbench(scripts[contestant], "-c", 1, "-T", scale["seconds"], customers=scale["large_rows"] // 10,
                                  database=NAME)[1] * 1000

        lines.append(Line("office", f"{what} against SELECT by primary key, over the wire", "µs",
                          medians(interleaved(scripts, scale["rounds"], sample)), Target(("mega", "by key"), 1.2, 1.2)))
    return lines


def pages(scale):
    asked = {"all": "", "of an action": ", action => ''login''", "of an admin": ", user_id => ''00000000-0000-4000-8000-000000000003''",
             "about a customer": ", actor_pass_id => ''pass:shopify:o7''"}
    lines = []
    for which, arguments in asked.items():
        cursor = server.value("SELECT next_cursor FROM mega_admin_audits(100%s) OFFSET 99" % arguments.replace("''", "'"),
                              database=NAME)
        for place, behind in (("first page", ""), ("a page behind 100", f", page_cursor => ''{cursor}''")):
            call = f"CALL bench.timed('SELECT count(*) FROM mega_admin_audits(50{behind}{arguments})', {scale['page_runs']}, 0)"
            lines.append(Line("office", f"audits {which}, {place}, of {scale['large_rows']}", "ms",
                              {"mega": float(server.value(call, database=NAME))}, Target(None, 1, 2)))
    return lines
