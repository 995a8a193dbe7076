"""The usual time of a running query: shown only where it is known, and where it means something."""

from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.snapshot import Snapshot
from pgtop.table.session_columns import column
from pgtop.view.usual import short_usual_fields, usual_fields, usual_record
from tests.scenes.base import client
from tests.scenes.statements import STUCK, USUAL, counted, uncounted


def words(snapshot: Snapshot) -> str:
    fields = usual_fields(STUCK, DerivedSnapshot.of(snapshot))
    return "".join(span.text for _, value in fields for span in value)


def test_a_run_is_compared_with_the_calls_that_have_ended() -> None:
    shown = words(counted())
    run = "40 ms (n = 18,204, longest 2.1 s); this run 14 min: 21,000 times"
    assert shown.startswith(f"{run} · counted since ")
    assert shown.endswith(" or later: statements were evicted 2 times")


def test_the_dialog_shows_the_same_in_fewer_words() -> None:
    derived = DerivedSnapshot.of(counted())
    [(label, value)] = short_usual_fields(STUCK, derived)
    assert (label, value[0].text) == ("Usually", "40 ms; this run 14 min: 21,000 times")
    assert not list(short_usual_fields(STUCK, DerivedSnapshot.of(uncounted("no"))))


def test_the_column_has_mean_and_multiple() -> None:
    derived = DerivedSnapshot.of(counted())
    assert column("usual").text(STUCK, derived) == "40 ms ×21k"
    assert column("usual").key(STUCK, derived) == pytest.approx(840.5 / 0.04)


def test_programs_get_the_figures() -> None:
    assert usual_record(STUCK, counted()) == {
        "calls": 18_204,
        "mean_seconds": 0.04,
        "stddev_seconds": 0.01,
        "max_seconds": 2.1,
        "factor": pytest.approx(21_012.5),
    }


@pytest.mark.parametrize(
    "changes",
    [{"calls": 19}, {"usesysid": 1}, {"datid": 1}, {"query_id": 1}],
    ids=str,
)
def test_nothing_is_shown_of_few_calls_or_of_another_statement(
    changes: dict[str, int],
) -> None:
    scene = counted(usual=USUAL._replace(**changes))
    assert words(scene) == ""
    assert usual_record(STUCK, scene) is None
    assert column("usual").text(STUCK, DerivedSnapshot.of(scene)) == ""


def test_an_idle_session_has_no_usual_time() -> None:
    idle = client(STUCK.pid, "web@shop", query=STUCK.query or "")
    assert usual_record(idle, counted()) is None


def test_a_run_of_its_usual_time_has_no_multiple() -> None:
    scene = counted(usual=USUAL._replace(mean_seconds=800.0))
    assert "this run 14 min ·" in words(scene)


def test_a_server_that_counts_nothing_is_explained_in_the_place() -> None:
    assert words(uncounted("pg_stat_statements is\x1b[2J gone")) == (
        "not known: pg_stat_statements is␛[2J gone"
    )
    assert words(replace(counted(), sections={})) == ""
