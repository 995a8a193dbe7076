"""`pgtop locks`: the tree for people and for programs, and an exit code that reports waiters."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.options import parse
from pgtop.cli.args.records import LocksCommand
from pgtop.cli.commands.locks import as_json, page
from pgtop.cli.exit_codes import Exit
from pgtop.cli.output import painted
from pgtop.model.locks import LockState
from pgtop.model.snapshot import Snapshot
from pgtop.text.clean import cells
from pgtop.view.locks import ArrangedLocks, arrange_locks
from tests import scenes
from tests.cli import one_sentence, pgtop


@contextmanager
def _queue(dsn: str) -> Iterator[tuple[int, int]]:
    """Yield the pids of a session that holds a key and of one that waits for it."""
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn) as waiter:
        holder.execute("SELECT pg_advisory_xact_lock(814)")
        waiter.pgconn.send_query(b"SELECT pg_advisory_xact_lock(814)")
        pids = holder.info.backend_pid, waiter.info.backend_pid
        with psycopg.connect(dsn, autocommit=True) as other:
            while not other.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", [pids[1]]
            ).fetchone():
                pass
        yield pids
        waiter.close()


def test_the_words_choose_the_command() -> None:
    """The command takes the connection options and two of its own."""
    assert parse(["locks", "--json", "shop"]) == LocksCommand(
        ConnectionOptions("shop"), json=True
    )
    assert parse(["locks", "--no-color"]) == LocksCommand(color=False)
    assert parse(["locks", "--filter", "db:shop"]) == LocksCommand(filter="db:shop")


def test_no_session_waits(dsn: str) -> None:
    """The exit code is 0, and both forms report that no session waits."""
    done = pgtop("locks", dsn)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert "No session waits for a lock." in done.stdout
    report = json.loads(pgtop("locks", "--json", dsn).stdout)
    assert (report["waiting"], report["roots"], report["nodes"]) == (0, [], [])


def test_a_filter_narrows_the_tree_and_the_exit_code(dsn: str) -> None:
    """A match is shown with its blockers; if no match waits, the exit code is 0."""
    with _queue(dsn) as (holder, waiter):
        match = pgtop("locks", "--json", "--filter", f"pid:{waiter}", dsn)
        no_match = pgtop("locks", "--filter", "db:nowhere", dsn)
    assert [node["name"] for node in json.loads(match.stdout)["nodes"]] == [
        holder,
        waiter,
    ]
    assert (match.returncode, no_match.returncode) == (Exit.WAITING, Exit.DONE)
    assert "Exclusive on advisory" not in no_match.stdout
    assert (
        'Filter: sessions in databases whose name contains "nowhere"' in no_match.stdout
    )
    assert "No session that matches the filter waits or blocks." in no_match.stdout
    wrong = pgtop("locks", "--filter", "foer:x", dsn)
    assert "--filter is wrong at character 1" in one_sentence(wrong.stderr)
    assert wrong.returncode == Exit.USAGE


def test_a_session_waits(dsn: str) -> None:
    """The exit code is 11; people see the tree, programs get its nodes with lock, parent and
    session.
    """
    with _queue(dsn) as (holder, waiter):
        shown = pgtop("locks", dsn)
        done = pgtop("locks", "--json", dsn)
    assert shown.returncode == done.returncode == Exit.WAITING
    server, summary, *_ = shown.stdout.splitlines()
    assert "PostgreSQL" in server
    assert summary.startswith("1 waiting, longest ")
    assert "Exclusive on advisory key 814" in shown.stdout
    report = json.loads(done.stdout)
    assert (report["waiting"], report["roots"]) == (1, [holder])
    nodes = {node["name"]: node for node in report["nodes"]}
    assert (nodes[waiter]["parent"], nodes[waiter]["blockers"]) == (holder, [holder])
    assert (nodes[waiter]["mode"], nodes[waiter]["target"]) == (
        "ExclusiveLock",
        "advisory key 814",
    )
    assert (nodes[holder]["blocks"], nodes[holder]["session"]["blocks"]) == (1, 1)
    assert nodes[waiter]["session"]["blocked_by"] == [holder]


def _arranged(snapshot: Snapshot) -> ArrangedLocks:
    return arrange_locks(DerivedSnapshot.of(snapshot))


def test_json_of_everything() -> None:
    """The JSON has prepared transactions by gid with the statement that ends them, deadlocks,
    queues, and what holds back vacuum."""
    report = json.loads(as_json(_arranged(scenes.standstill())))
    assert (report["note"], report["asked"]) == (
        "",
        scenes.standstill().locks.is_current,
    )
    nodes = {node["name"]: node for node in report["nodes"]}
    assert (
        nodes["transfer-'4711'"]["prepared"]["rollback"]
        == "ROLLBACK PREPARED 'transfer-''4711'''"
    )
    assert nodes[49_001]["parent"] == "transfer-'4711'"
    assert nodes[49_011]["deadlock"] == [49_010, 49_011]
    assert nodes[49_004]["soft"] == [49_005]
    assert report["xmin_holders"][0] == {
        "kind": "replication slot", "name": "standby2", "pid": None, "age": 4_812_004,
        "database": None,
        "catalog": False, "is_certain": True, "inherited_from": None,
    }  # fmt: skip
    assert (report["asked"], report["note"]) == (True, "")


def test_an_unnamed_prepared_transaction_is_a_root() -> None:
    """A session that waits for a prepared transaction without a known name stands under it, as
    its root."""
    waiter = scenes.client(4711, "web@shop", wait="Lock:transactionid", blocked_by=[0])
    resting = LockState(note="the server is slow")
    report = json.loads(
        as_json(_arranged(replace(scenes.snapshot([waiter]), locks=resting)))
    )
    nodes = {node["name"]: node for node in report["nodes"]}
    assert (nodes[4711]["parent"], nodes[4711]["root"]) == (
        "a prepared transaction",
        "a prepared transaction",
    )
    assert report["roots"] == ["a prepared transaction"]
    assert (report["asked"], report["note"]) == (False, "the server is slow")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_lines_fit(width: int) -> None:
    """No line is wider than the page, whatever texts a server sends."""
    for scene in (
        scenes.standstill(),
        scenes.busy(),
        scenes.hostile(),
        scenes.not_privileged(),
    ):
        lines = page(_arranged(scene), width)
        assert all(cells(painted(spans, False)) <= width for spans in lines)


def test_options_are_refused_like_everywhere(dsn: str) -> None:
    """A wrong option gets one sentence, and the code for wrong usage."""
    done: Any = pgtop("locks", "--csv", dsn)
    assert done.returncode == Exit.USAGE
