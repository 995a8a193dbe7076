"""The goals, and the verdict of a run's figures. Pure: no clock, no process.

Only measured figures count as met; a goal against a peer that was not measured is neither met nor
missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median, quantiles

Samples = Sequence[float]
Results = Mapping[str, Mapping[str, Samples]]
"""Measured figures: the goal's measure, the tool, the samples."""

PGTOP, PG_ACTIVITY, PG_TOP = "pgtop", "pg_activity", "pg_top"
WHEEL = "wheel"
"""The pgtop of this Python, beside that of the bundle."""
TOOLS = (PGTOP, PG_ACTIVITY, PG_TOP)


class Statistic(StrEnum):
    """The statistic of the samples that is compared with the goal."""

    MEDIAN = "median"
    P95 = "p95"
    LARGEST = "max"

    def of(self, samples: Samples) -> float:
        """Return the statistic of at least one sample."""
        if self is Statistic.LARGEST:
            return max(samples)
        if self is Statistic.MEDIAN or len(samples) == 1:
            return median(samples)
        return quantiles(samples, n=20, method="inclusive")[-1]


class Verdict(StrEnum):
    """The verdict of a run on a goal."""

    MET = "met"
    MISSED = "**MISSED**"
    UNKNOWN = "not measured"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `most` of `unit`; with `against`, at most that share of the peer's figure. None:
    shown, not judged.
    """

    measure: str
    words: str
    unit: str
    most: float | None = None
    against: str | None = None
    statistic: Statistic = Statistic.MEDIAN

    def limit(self, results: Results) -> float | None:
        """Return the limit in `unit`; None without one, or if the peer was not measured."""
        if self.against is None or self.most is None:
            return self.most
        peer = self.figure(results, self.against)
        return None if peer is None else self.most * peer

    def figure(self, results: Results, tool: str) -> float | None:
        """Return the tool's figure; None if it was not measured."""
        samples = results.get(self.measure, {}).get(tool)
        return self.statistic.of(samples) if samples else None

    def verdict(self, results: Results) -> Verdict:
        """Return whether pgtop's figure is within the limit."""
        figure, limit = self.figure(results, PGTOP), self.limit(results)
        if figure is None or (limit is None and self.most is not None):
            return Verdict.UNKNOWN
        if limit is None:
            return Verdict.NONE
        return Verdict.MET if figure <= limit else Verdict.MISSED


GOALS = (
    Goal(
        "bytes calm 80x24",
        "bytes to the terminal a refresh, 500 sessions, 80x24, ages alone change",
        "B",
        200,
    ),
    Goal("bytes churning 80x24", "the same on the churning load", "B", 800),
    Goal("bytes calm 200x50", "the same at 200x50, ages alone change", "B", 400),
    Goal("bytes churning 200x50", "the same at 200x50 on the churning load", "B", 2000),
    Goal(
        "bytes youngest 80x24",
        "the same at 80x24, the youngest queries on top: every row another",
        "B",
    ),
    Goal(
        "bytes clock 80x24",
        "when nothing visible changed but the clock, 80x24",
        "B",
        40,
    ),
    Goal(
        "cpu churning 80x24",
        "CPU a refresh, 500 sessions, 80x24",
        "ms",
        0.6,
        PG_ACTIVITY,
    ),
    Goal(
        "cpu churning 200x50",
        "CPU a refresh, 500 sessions, 200x50",
        "ms",
        0.5,
        PG_ACTIVITY,
    ),
    Goal("cpu crowd", "CPU a refresh, 10,000 sessions from a server, 80x24", "ms", 45),
    Goal("cpu scripted 10000", "the same without the server's answer (scripted)", "ms"),
    Goal("cpu scripted 100", "the same with 100 sessions (scripted)", "ms"),
    Goal(
        "drawing 10000", "of it drawing, 10,000 sessions (1.25 of what 100 cost)", "ms"
    ),
    Goal("drawing 100", "of it drawing, 100 sessions", "ms"),
    Goal(
        "keys 1000",
        "key to its effect while refreshing, 1,000 sessions: median",
        "ms",
        4,
    ),
    Goal("keys 1000", "p95", "ms", 12, statistic=Statistic.P95),
    Goal("keys 1000", "max", "ms", 30, statistic=Statistic.LARGEST),
    Goal("keys crowd", "the same with 10,000: median", "ms"),
    Goal("keys crowd", "p95", "ms", statistic=Statistic.P95),
    Goal("keys crowd", "max", "ms", 75, statistic=Statistic.LARGEST),
    Goal("start", "start to the first real row", "ms", 1.0, PG_ACTIVITY),
    Goal("start", "moonshot", "ms", 0.8, PG_ACTIVITY),
    Goal("start bundle", "the bundle: start to the first real row", "ms", 1.3, WHEEL),
    Goal("quit", "q to a restored terminal", "ms", 10),
    Goal("memory 500", "peak memory, 500 sessions", "MiB", 50),
    Goal("memory crowd", "peak memory, 10,000 sessions", "MiB", 75),
    Goal("idle wake-ups", "paused: wake-ups a second", "/s", 0),
    Goal("idle bytes", "paused: bytes a second", "B/s", 0),
    Goal(
        "server churning 80x24",
        "server CPU a refresh, 500 sessions",
        "ms",
        0.5,
        PG_ACTIVITY,
    ),
    Goal("trips", "round trips a refresh", "", 1),
    Goal("connections", "connections held", "", 1),
    Goal("trips breakdown", "round trips a refresh in the breakdown", "", 1),
    Goal(
        "received",
        "bytes from the server a refresh, 500 sessions mostly idle",
        "kB",
        60,
    ),
    Goal("received big", "the same with fifty 900 kB queries", "kB", 100),
    Goal("cpu big", "CPU a refresh with fifty 900 kB queries", "ms"),
    Goal("memory big", "peak memory with fifty 900 kB queries", "MiB", 50),
    Goal("period big", "seconds from refresh to refresh with them", "s"),
    Goal("start far", "100 ms round trip: start to the first rows", "ms", 1000),
    Goal("period far", "100 ms round trip: period at --interval 1", "s", 1.01),
)


def table(results: Results, goals: Sequence[Goal] = GOALS) -> str:
    """Return the goals as a Markdown table, without those that were not measured."""
    lines = [
        "| | goal | pgtop | pg_activity | pg_top | of pg_activity's | |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_line(goal, results) for goal in goals if results.get(goal.measure)]
    return "\n".join(lines)


def fell_short(results: Results, goals: Sequence[Goal] = GOALS) -> list[str]:
    """Return a sentence for each goal that was measured and missed."""
    return [
        _sentence(goal, results)
        for goal in goals
        if goal.verdict(results) is Verdict.MISSED
    ]


def _line(goal: Goal, results: Results) -> str:
    figures = [_number(goal.figure(results, tool)) for tool in TOOLS]
    cells = [
        goal.words,
        _aim(goal),
        *figures,
        _ratio(goal, results),
        goal.verdict(results),
    ]
    return f"| {' | '.join(cells)} |"


def _aim(goal: Goal) -> str:
    if goal.most is None:
        return goal.unit
    share = f" of {goal.against}'s" if goal.against else f" {goal.unit}"
    return f"<= {goal.most:g}{share}".rstrip()


def _ratio(goal: Goal, results: Results) -> str:
    figure, peer = goal.figure(results, PGTOP), goal.figure(results, PG_ACTIVITY)
    return "" if figure is None or not peer else f"{figure / peer:.2f}"


def _number(figure: float | None) -> str:
    if figure is None:
        return ""
    return (
        f"{figure:,.0f}" if figure >= 100 or figure == int(figure) else f"{figure:.3g}"
    )


def _sentence(goal: Goal, results: Results) -> str:
    figure, limit = goal.figure(results, PGTOP), goal.limit(results)
    return (
        f"{goal.measure} ({goal.statistic}): "
        f"{_number(figure)} {goal.unit}, goal {_number(limit)}"
    )
