"""Plots as SVG, drawn from results.json: grouped bars, nothing else."""

import json
import math
import sys
from pathlib import Path

COLOURS = {"mega": "#1b6ca8", "mega sql": "#7fb3d5", "plpgsql": "#e08e45", "application": "#b04a5a", "bare": "#7a7a7a"}
NAMES = {"mega": "mega", "mega sql": "mega by SQL", "plpgsql": "plpgsql by hand", "application": "four statements",
         "bare": "bare statements"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 360, 70, 50, 60


def ceiling(highest):
    """The next round number above."""
    power = 10 ** math.floor(math.log10(highest))
    return next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * step >= highest)


def short(value):
    if value >= 10000:
        return f"{value / 1000:.0f}k"
    if value >= 1000:
        return f"{value / 1000:.1f}k"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def text(x, y, words, anchor="middle", size=12, colour="#333"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{words}</text>'


def axis(highest):
    parts = []
    for step in range(5):
        value = highest * step / 4
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * step / 4
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, y + 4, short(value), "end"))
    return parts


def legend(names):
    parts, x = [], LEFT
    for name in names:
        parts.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[name]}"/>')
        parts.append(text(x + 17, 45, NAMES[name], "start"))
        x += 30 + 8 * len(NAMES[name])
    return parts


def bars(title, groups):
    """groups: [(label, {contestant: value}), …] → the SVG of grouped bars."""
    names = [name for name in COLOURS if any(name in values for _, values in groups)]
    highest = ceiling(max(max(values.values()) for _, values in groups))
    parts = [text(LEFT, 22, title, "start", 15, "#111"), *legend(names), *axis(highest)]
    slot = (WIDTH - 10 - LEFT) / len(groups)
    width = min(44, slot * 0.8 / len(names))
    for i, (label, values) in enumerate(groups):
        middle = LEFT + slot * (i + 0.5)
        parts.append(text(middle, HEIGHT - BOTTOM + 20, label))
        for k, name in enumerate(one for one in names if one in values):
            tall = (HEIGHT - BOTTOM - TOP) * values[name] / highest
            x = middle + (k - len(values) / 2) * width
            y = HEIGHT - BOTTOM - tall
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 3:.1f}" height="{tall:.1f}" fill="{COLOURS[name]}"/>')
            parts.append(text(x + width / 2 - 1, y - 4, short(values[name]), size=10))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *parts, "</svg>"]) + "\n"


def groups_of(results, measure, key, keep=lambda one: True):
    found = []
    for one in results:
        known = {name: value for name, value in one["values"].items() if name in COLOURS}
        if one["measure"] == measure and known and keep(one):
            found.append((key(one), known))
    return found


def counted(number, what):
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def plots_of(results):
    """name of the file → (title, groups)."""
    def clients(durable):
        return groups_of(results, "clients", lambda one: counted(one["extra"]["clients"], "client"),
                         lambda one: one["extra"].get("synchronous_commit") == durable)

    return {
        "call": ("One credit in one transaction, µs a call (less is better)",
                 groups_of(results, "call", lambda one: one["what"].replace("record_credit ", ""),
                           lambda one: not one["what"].endswith("p99"))),
        "clients-off": ("Spends per second, synchronous_commit off", clients("off")),
        "clients-on": ("Spends per second, synchronous_commit on", clients("on")),
        "batch": ("Credit rows per second in durable batches",
                  groups_of(results, "batch",
                            lambda one: f"{one['extra']['size']}, " + counted(one["extra"]["clients"], "client"),
                            lambda one: "size" in one["extra"])),
    }


def draw(results_file, folder):
    results = json.loads(results_file.read_text(encoding="utf-8"))["results"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, groups) in plots_of(results).items():
        if groups:
            (folder / f"{name}.svg").write_text(bars(title, groups), encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
