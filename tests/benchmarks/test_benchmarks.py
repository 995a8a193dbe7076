"""The verdicts of the benchmarks on made-up figures; nothing is measured."""

import pytest

from tests.benchmarks.goals import (
    GOALS,
    PG_ACTIVITY,
    PGTOP,
    Goal,
    Results,
    Statistic,
    Verdict,
    fell_short,
    table,
)
from tests.benchmarks.raw_output import Piece, bursts

ABSOLUTE = Goal("bytes", "bytes a refresh", "B", 200)
RELATIVE = Goal("cpu", "CPU a refresh", "ms", 0.5, PG_ACTIVITY)
SHOWN = Goal("extra", "for the curious", "ms")


@pytest.mark.parametrize(
    ("goal", "results", "verdict"),
    [
        (ABSOLUTE, {"bytes": {PGTOP: [150, 200, 900]}}, Verdict.MET),
        (ABSOLUTE, {"bytes": {PGTOP: [150, 201, 900]}}, Verdict.MISSED),
        (ABSOLUTE, {"bytes": {PG_ACTIVITY: [1]}}, Verdict.UNKNOWN),
        (ABSOLUTE, {}, Verdict.UNKNOWN),
        (RELATIVE, {"cpu": {PGTOP: [5], PG_ACTIVITY: [10]}}, Verdict.MET),
        (RELATIVE, {"cpu": {PGTOP: [5.1], PG_ACTIVITY: [10]}}, Verdict.MISSED),
        (RELATIVE, {"cpu": {PGTOP: [5]}}, Verdict.UNKNOWN),
        (SHOWN, {"extra": {PGTOP: [5]}}, Verdict.NONE),
    ],
)
def test_a_goal_is_judged_by_what_was_measured(
    goal: Goal, results: dict[str, dict[str, list[float]]], verdict: Verdict
) -> None:
    """The median counts, a ratio needs the peer, and a limit itself is within the limit."""
    assert goal.verdict(results) is verdict


@pytest.mark.parametrize(
    ("statistic", "samples", "figure"),
    [
        (Statistic.MEDIAN, [3, 1, 2], 2),
        (Statistic.LARGEST, [3, 1, 2], 3),
        (Statistic.P95, [*range(1, 102)], 96),
        (Statistic.P95, [7], 7),
    ],
)
def test_statistics(statistic: Statistic, samples: list[float], figure: float) -> None:
    """Each statistic is what its name says, of a single sample too."""
    assert statistic.of(samples) == figure


def test_the_table_says_all_that_was_measured_and_marks_what_fell_short() -> None:
    """The table has a line for each goal with a figure, the ratio beside it, and a sentence for
    each miss."""
    goals = (ABSOLUTE, RELATIVE, SHOWN)
    results: Results = {
        "bytes": {PGTOP: [1234.5]},
        "cpu": {PGTOP: [2.5], PG_ACTIVITY: [10]},
    }
    assert table(results, goals).splitlines()[2:] == [
        "| bytes a refresh | <= 200 B | 1,234 |  |  |  | **MISSED** |",
        "| CPU a refresh | <= 0.5 of pg_activity's | 2.5 | 10 |  | 0.25 | met |",
    ]
    assert fell_short(results, goals) == ["bytes (median): 1,234 B, goal 200"]


def test_goals_are_distinct() -> None:
    """No two goals judge the same statistic of the same measure, except a stricter one."""
    report = [(goal.measure, goal.statistic, goal.most) for goal in GOALS]
    assert len(set(report)) == len(report)


def test_output_in_one_go_is_one_refresh() -> None:
    """Pieces close together are one refresh, however many there are."""
    assert bursts([]) == 0
    assert bursts([Piece(at, 10) for at in (1.0, 1.1, 1.2, 2.0, 2.01, 3.0)]) == 3
