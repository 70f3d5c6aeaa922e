"""The report: a table for people, JSON and CSV for programs."""

import csv
import json
import os
import platform
import subprocess

import server

BEGIN, END = "<!-- begin: written by dev/bench --docs -->", "<!-- end -->"
COLUMNS = ("mega", "mega sql", "plpgsql", "application", "bare")
SETTINGS = ("server_version", "shared_buffers", "fsync", "full_page_writes", "wal_compression", "max_wal_size", "autovacuum",
            "jit")


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def target_of(line):
    """What the target compares, aim and pass, as texts."""
    if not line.target:
        return "", "", ""
    sign = "≥" if line.target.higher else "≤"
    ratio = f"{line.ratio:.2f}" if line.target.ratio else ""
    return ratio, f"{sign} {line.target.aim:,}", f"{sign} {line.target.passing:,}"


def values_of(line):
    """The contestants' columns; what has other names stands in the first ones as name: value."""
    if set(line.values) <= set(COLUMNS):
        return [number(line.values.get(name)) for name in COLUMNS]
    others = [f"{name}: {number(one)}" for name, one in line.values.items()]
    return (others + [""] * len(COLUMNS))[: len(COLUMNS)]


def rows(lines):
    known = any(set(one.values) <= set(COLUMNS) for one in lines)
    header = ["what", "unit", *(("mega", "mega by SQL") if known else ("", "")), *COLUMNS[2:], "ratio", "aim", "pass",
              "reached"]
    return [header] + [[one.what, one.unit, *values_of(one), *target_of(one), one.verdict] for one in lines]


def table(lines):
    """A Markdown table, aligned, so that it reads well on a terminal too."""
    cells = rows(lines)
    used = [i for i in range(len(cells[0])) if any(row[i] for row in cells[1:])]
    cells = [[row[i] for i in used] for row in cells]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    shown = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in cells]
    shown.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(shown)


def put_into(document, lines, before):
    """Puts machine and tables between the document's marks."""
    settings = ", ".join(f"{name} {value}" for name, value in before["settings"].items())
    parts = [f"{before['processor']}, {before['processors']} processors, {before['memory_gb']} GB, load at the start "
             f"{before['load'][0]} and at the end {os.getloadavg()[0]:.1f}. PostgreSQL: {settings}. Revision {commit()}."]
    for measure in dict.fromkeys(one.measure for one in lines):
        parts.append(table([one for one in lines if one.measure == measure]))
    text = document.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    document.write_text(head + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + tail, encoding="utf-8")


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as info:
        memory = int(info.readline().split()[1]) // (1 << 20)
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "memory_gb": memory,
        "kernel": platform.release().split("-")[0],
        "load": [round(one, 1) for one in os.getloadavg()],
        "settings": {name: server.value(f"SHOW {name}", database="postgres") for name in SETTINGS},
    }


def commit():
    done = subprocess.run(["git", "-C", str(server.HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()


def write(folder, lines, scale, before):
    folder.mkdir(parents=True, exist_ok=True)
    results = [
        {"measure": one.measure, "what": one.what, "unit": one.unit, "values": one.values, "ratio": one.ratio,
         "aim": one.target and one.target.aim, "pass": one.target and one.target.passing, "verdict": one.verdict,
         "extra": one.extra}
        for one in lines
    ]
    found = {"machine": before, "load_after": [round(one, 1) for one in os.getloadavg()], "commit": commit(),
             "scale": scale, "results": results}
    (folder / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with open(folder / "results.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows(lines))
    (folder / "table.md").write_text(table(lines) + "\n", encoding="utf-8")
