"""Any bytes that a server sends as text: nothing raises or acts, and programs get all of it."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.commands import audit, budget, locks, show
from pgtop.cli.output import painted
from pgtop.model.audit import AuditEntry
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail, Lock
from pgtop.model.locks import Hold, LockState, Prepared, Slot, Wait
from pgtop.model.server import Database, Role
from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus, Signal, SignalReply
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.audit_log import FileAuditLog
from pgtop.signalling.audit_reader import read
from pgtop.signalling.planning import make_plan, plan_for_one
from pgtop.sources.postgres.encoding import decode, decode_name
from pgtop.sources.postgres.probes.activity import NameCache, read_backend
from pgtop.table.fitting import layout
from pgtop.table.layout import line
from pgtop.table.options import TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS
from pgtop.table.sessions import arrange_sessions
from pgtop.text.clean import clean, clean_lines
from pgtop.text.wrap import Line
from pgtop.view import csv_report, outcome_rows, plan_rows
from pgtop.view import plan as plan_view
from pgtop.view.confirmation import change_since, propose
from pgtop.view.detail import detail_lines
from pgtop.view.locks import arrange_locks
from pgtop.view.outcome import outcome_words, short_words
from tests import scenes
from tests.hostile_text import CASES, ENCODINGS, TEXTS, harmful
from tests.waiting import PATIENCE

_NOW = scenes.NOW
_WIDTH = 100
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_KINDS = st.sampled_from(
    [b"client backend", b"parallel worker", b"walsender", b"autovacuum worker"]
)
_STATES = st.sampled_from([b"active", b"idle", b"idle in transaction"])


class ServerTexts(NamedTuple):
    """The texts of a session as its server sends them: bytes in the encoding of its database."""

    encoding: str
    name: bytes
    """Name of its role, database, relation and prepared transaction."""
    text: bytes
    """Its application, address, host and wait; errors, notices and other text of the server about
    it."""
    query: bytes
    state: bytes
    kind: bytes


_SERVER_TEXTS = st.builds(
    ServerTexts,
    st.sampled_from(ENCODINGS),
    TEXTS,
    TEXTS,
    TEXTS,
    _STATES | st.just(b"\x1b[m"),
    _KINDS,
)


def _snapshot(texts: ServerTexts) -> Snapshot:
    """Return a snapshot of two such sessions, each with the texts in other places."""
    encoding = texts.encoding
    name = decode_name(texts.name, encoding)
    server = scenes.server(
        user=name, roles={1: Role(name, mine=True), 2: Role(name)}, version=decode_name(texts.text),
        databases={1: Database(name, encoding)}, user_oid=1, database_oid=1,
    )  # fmt: skip
    swapped = texts._replace(text=texts.query, query=texts.text)
    backends = tuple(
        read_backend(_row(pid, own), server, NameCache(), len(own.query))
        for pid, own in ((1, texts), (2, swapped))
    )
    gid = decode(texts.name, encoding)
    blocking = LockState(
        waits={
            1: Wait(
                _lock(texts), (Hold(decode_name(texts.text), 2), Hold("x", None, 9))
            )
        },
        prepared=(Prepared(9, gid, _NOW - 60_000_000, name, gid, 5),),
        slots=(Slot(gid, 10),),
        is_current=True,
        note=decode_name(texts.text),
    )
    return replace(scenes.snapshot(backends), server=server, locks=blocking)


def _row(pid: int, texts: ServerTexts) -> tuple[Any, ...]:
    """Return a row of `queries.activity` that waits for the other session and a prepared
    transaction."""
    return (
        pid, _NOW - 9_000_000, 1, None, pid, texts.text, texts.text, texts.text, 5,
        _NOW - 8_000_000, _NOW - 7_000_000, _NOW - 7_000_000, b"Lock", texts.text, texts.state,
        None, 7, 3, None, texts.query, texts.kind, [3 - pid, 0], None, None,
    )  # fmt: skip


def _lock(texts: ServerTexts) -> Lock:
    relation, kind = decode(texts.name, texts.encoding), decode_name(texts.text)
    return Lock(kind, kind, False, relation, _NOW - 5_000_000)


def _lines(texts: ServerTexts, snapshot: Snapshot) -> Iterator[Line]:
    """Yield every line that any view shows of the snapshot."""
    derived, words = DerivedSnapshot.of(snapshot), decode_name(texts.text)
    first = snapshot.backends[0]
    yield from show.page(arrange_sessions(derived, TableOptions()), _WIDTH)
    yield from budget.page(snapshot, _WIDTH)
    yield from locks.page(arrange_locks(derived), _WIDTH)
    for detail in (None, Detail(_NOW, first, False, (_lock(texts),), words, 1)):
        yield from detail_lines(first, detail, derived, _WIDTH)
    refused = _refused(snapshot, words)
    yield (outcome_words(refused, words),)
    yield (short_words(refused),)
    proposal = propose(plan_for_one(Signal.TERMINATE, first, snapshot), derived)
    yield from proposal.lines(_WIDTH)
    kill_plan = make_plan(Signal.TERMINATE, snapshot.backends, snapshot)
    yield from plan_view.facts(kill_plan)
    yield from plan_rows.plan_lines(kill_plan, derived, _WIDTH)
    for target in kill_plan.targets:
        yield outcome_rows.outcome_line(refused, target, _WIDTH, Signal.CANCEL)


def _refused(snapshot: Snapshot, words: str) -> Outcome:
    [request] = plan_for_one(Signal.TERMINATE, snapshot.backends[0], snapshot).requests
    return Outcome(
        request, SignalReply(ReplyStatus.REFUSED, words), ObservedEffect.NOT_SENT
    )


@pytest.mark.nightly
@settings(max_examples=CASES)
@given(_SERVER_TEXTS)
def test_nothing_that_is_shown_acts(texts: ServerTexts) -> None:
    """Arbitrary bytes in every text make no view raise or hold a character that acts or is
    invisible."""
    snapshot = _snapshot(texts)
    assert not harmful(
        "".join(span.text for line in _lines(texts, snapshot) for span in line)
    )
    derived, first = DerivedSnapshot.of(snapshot), snapshot.backends[0]
    proposal = propose(plan_for_one(Signal.CANCEL, first, snapshot), derived)
    changed = replace(
        snapshot, ungrouped=(first._replace(state=decode_name(texts.text)),)
    )
    for text in (
        proposal.title,
        change_since(first, derived, DerivedSnapshot.of(changed)),
    ):
        assert not harmful(text)


@pytest.mark.nightly
@settings(max_examples=CASES)
@given(_SERVER_TEXTS, st.integers(20, 300), st.integers(0, 12))
def test_every_row_is_as_wide_as_its_columns(
    texts: ServerTexts, width: int, skip: int
) -> None:
    """At any width and scrolled to any column, a terminal emulator shows each column of each row
    where it belongs.
    """
    snapshot = _snapshot(texts)
    placed = layout(SESSION_COLUMNS, width, skip=skip)
    edges = [
        edge for edge in accumulate(size + 1 for _, size in placed) if edge <= width
    ]
    for backend in snapshot.backends:
        screen = pyte.Screen(width + 2, 1)
        pyte.Stream(screen).feed(
            painted(line(placed, backend, DerivedSnapshot.of(snapshot)), color=False)
            + "|"
        )
        assert screen.cursor.y == 0
        assert all(screen.buffer[0][edge - 1].data in " |" for edge in edges)


@pytest.mark.nightly
@settings(max_examples=CASES)
@given(_SERVER_TEXTS)
def test_programs_and_clipboard_get_it_whole_and_inert(texts: ServerTexts) -> None:
    """JSON and CSV are valid UTF-8 and round-trip, except for a formula's '; copies are clean
    lines."""
    snapshot = _snapshot(texts)
    derived = DerivedSnapshot.of(snapshot)
    first = snapshot.backends[0]
    assert (
        json.loads(show.as_json(derived, snapshot.backends).encode())["sessions"][0][
            "query"
        ]
        == first.query
    )
    assert json.loads(locks.as_json(arrange_locks(derived)).encode())
    written = csv_report.as_csv(derived, snapshot.backends).encode().decode()
    [record, _] = csv.DictReader(io.StringIO(written, newline=""))
    for name in ("query", "usename", "datname", "application_name", "state"):
        cell, text = record[name], getattr(first, name)
        assert cell.replace("'", "") == text.replace("'", "")
    for separator in ",;\t":
        rows = csv.reader(io.StringIO(written, newline=""), delimiter=separator)
        assert not [
            cell for row in rows for cell in row if cell.lstrip().startswith(_FORMULA)
        ]
    assert not harmful(
        csv_report.as_csv(derived, snapshot.backends, clean).replace("\r\n", "")
    )
    assert harmful(clean_lines(first.query or "")) <= {"\n"}
    (first.query or "").encode()


@pytest.fixture(scope="module")
def event_loop() -> Iterator[asyncio.Runner]:
    """Keep one event loop for all examples, and wait longer for a busy machine's files."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("pgtop.signalling.audit_log.WRITE_TIMEOUT", PATIENCE)
        yield runner


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


async def _record(audit_log: FileAuditLog, entry: AuditEntry, outcome: Outcome) -> None:
    """Write both records of a signal."""
    await audit_log.begin([entry])
    await audit_log.finish([(entry, outcome)])


@pytest.mark.nightly
@settings(max_examples=CASES)
@given(_SERVER_TEXTS)
def test_the_audit_log_keeps_it_whole_and_shows_it_tame(
    event_loop: asyncio.Runner, folder: Path, texts: ServerTexts
) -> None:
    """A record is a line of ASCII that round-trips, and its printed form does not act."""
    snapshot = _snapshot(texts)
    outcome = _refused(snapshot, decode_name(texts.text))
    backend: Backend = snapshot.backends[0]
    audit_log = FileAuditLog(folder / "audit.jsonl", {"os_user": "anna"})
    audit_log.path.unlink(missing_ok=True)
    entry = AuditEntry(
        "1", outcome.request, backend, snapshot.server, decode_name(texts.text)
    )
    event_loop.run(_record(audit_log, entry, outcome))
    assert len(audit_log.path.read_bytes().decode("ascii").splitlines()) == 2
    [record] = read(audit_log.path).records
    kept = record.as_dict()
    assert (kept["query"], kept["role"], kept["application"]) == (
        backend.query, backend.usename, backend.application_name,
    )  # fmt: skip
    assert not any(harmful(row) for row in audit.lines(record))
