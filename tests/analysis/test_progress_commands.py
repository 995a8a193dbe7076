"""Sessions that may count their work are known by their texts and types."""

import pytest

from pgtop.analysis.progress_commands import may_have_others, views_of
from pgtop.model.backend import AUTOVACUUM_WORKER, WALSENDER, Backend
from tests import scenes
from tests.scenes.base import ago


def running(query: str | None, seconds: float = 1.0) -> Backend:
    backend = scenes.active(1, "web@shop", "psql", "", seconds)
    return backend._replace(query=query, query_start=ago(seconds))


def views_for(backend: Backend) -> frozenset[str]:
    return views_of(scenes.snapshot([backend]))


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("vacuum (analyze) acc", "vacuum"),
        ("VACUUM FULL acc", "cluster"),
        ("-- nightly\n/* job 7 */ create unique index on acc (id)", "create_index"),
        ("Create  Index concurrently i on acc (id)", "create_index"),
        ("alter table acc add primary key (id)", "create_index"),
        ("reindex table acc", "create_index"),
        ("COPY acc FROM STDIN", "copy"),
        ("REPACK acc", "repack"),
        ("BASE_BACKUP (LABEL 'x')", "basebackup"),
    ],
)
def test_a_command_points_to_its_view(text: str, view: str) -> None:
    assert view in views_for(running(text))


@pytest.mark.parametrize(
    "text",
    ["select 1", "create table vacuum (copy int)", "/* vacuum */ select", "", None],
)
def test_other_commands_point_to_none(text: str | None) -> None:
    assert not views_for(running(text))


def test_an_idle_session_runs_no_command() -> None:
    idle = running("vacuum acc")._replace(state="idle", wait_event="ClientRead")
    assert not views_for(idle)


def test_autovacuum_is_known_by_its_type() -> None:
    worker = running("")._replace(backend_type=AUTOVACUUM_WORKER, state=None)
    assert views_for(worker) >= {"vacuum", "analyze"}


def test_all_views_are_read_while_a_statement_runs_long_or_is_hidden() -> None:
    short = running("call build_all()")
    long = running("call build_all()", 60)
    walsender = long._replace(backend_type=WALSENDER)
    hidden = short._replace(backend_start=None, state=None, backend_type=None)
    samples = [scenes.snapshot([each]) for each in (short, long, walsender, hidden)]
    assert [may_have_others(each) for each in samples] == [False, True, False, True]
