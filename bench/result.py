"""One line of the report: what was measured, each contestant's median, and the ratio that has a target."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Target:
    ratio: tuple | None  # (ours, rival) or None: the value of ours itself
    aim: float
    passing: float
    higher: bool = False  # whether more is better


@dataclass
class Line:
    measure: str
    what: str
    unit: str
    values: dict  # contestant -> number
    target: Target | None = None
    extra: dict = field(default_factory=dict)  # p50, p99 and the like, for the JSON and the text

    @property
    def ratio(self):
        if not self.target or not self.target.ratio:
            return None
        ours, rival = self.target.ratio
        return self.values[ours] / self.values[rival]

    @property
    def verdict(self):
        if not self.target:
            return ""
        reached = self.ratio if self.target.ratio else next(iter(self.values.values()))
        if self.target.higher:
            return "aim" if reached >= self.target.aim else "pass" if reached >= self.target.passing else "MISSED"
        return "aim" if reached <= self.target.aim else "pass" if reached <= self.target.passing else "MISSED"


def medians(rounds):
    """[{contestant: number}, …] → {contestant: median}."""
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


def interleaved(contestants, rounds, sample):
    """Rounds of A B C, A B C, …; the first round warms up and does not count. sample(contestant, round) → number."""
    counted = []
    for number in range(rounds + 1):
        one = {name: sample(name, number) for name in contestants}
        if number:
            counted.append(one)
    return counted
