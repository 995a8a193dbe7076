"""The audit log: written before and after, whole lines only, private, and honest about what it
does not know.
"""

import asyncio
import contextlib
import json
import os
import pwd
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.commands.audit import INTERRUPTED, UNFINISHED, lines, matching
from pgtop.model.audit import AuditEntry
from pgtop.model.backend import Backend, BackendId
from pgtop.model.plan import Plan
from pgtop.model.signal import Outcome, ReplyStatus, Signal, SignalReply, SignalRequest
from pgtop.ports import AuditError
from pgtop.signalling.audit_log import FileAuditLog, audit_log_for, person_of
from pgtop.signalling.audit_reader import AuditRecords, read
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import make_plan
from pgtop.view.outcome import outcome_words
from tests.fakes import FakeSignaller, JumpingClock
from tests.scenes import HOSTILE_TEXTS, busy, hostile


def _plan() -> Plan:
    scene = busy()
    return make_plan(Signal.TERMINATE, scene.backends, scene)


def _run(errands: SignalExecutor, made: Plan, reason: str = "") -> Progress:
    async def last() -> Progress:
        progress = Progress(made, ())
        async for progress in errands.run(made, reason):  # noqa: B007
            pass
        return progress

    return asyncio.run(last())


def _trail(folder: Path) -> FileAuditLog:
    return FileAuditLog(folder / "state" / "audit.jsonl", {"os_user": "anna"})


def test_every_target_has_its_line_before_and_after(tmp_path: Path) -> None:
    """The first lines are there when the door is asked; the second ones when the outcome is
    known.
    """
    trail, made = _trail(tmp_path), _plan()
    at_the_door: list[int] = []

    class Watching(FakeSignaller):
        async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
            at_the_door.append(len(trail.path.read_text().splitlines()))
            return await super().send_all(requests)

    progress = _run(SignalExecutor(Watching(), JumpingClock(), trail), made, "storm")
    assert (at_the_door, progress.audit_failure) == ([len(made.targets)], "")
    records = read(trail.path).records
    assert [r.request["pid"] for r in records] == [t.backend.pid for t in made.targets]
    assert all(r.outcome is not None and r.outcome["effect"] == "gone" for r in records)
    assert {r.request["reason"] for r in records} == {"storm"}
    assert trail.path.stat().st_mode & 0o777 == 0o600


def test_a_crash_in_between_shows(tmp_path: Path) -> None:
    """Signals that were asked for and never completed are there, without an outcome, and told
    so.
    """
    trail, made = _trail(tmp_path), _plan()

    class Crashing(FakeSignaller):
        async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(SignalExecutor(Crashing(), JumpingClock(), trail), made)
    records = read(trail.path).records
    assert len(records) == len(made.targets)
    assert all(record.outcome is None for record in records)
    assert all(UNFINISHED in "".join(lines(record)) for record in records)


def test_the_file_is_only_appended_to(tmp_path: Path) -> None:
    """What stands there stays, a broken line too, and reading steps over it; a looser mode is
    tightened.
    """
    trail = _trail(tmp_path)
    trail.path.parent.mkdir()
    trail.path.write_text('{"half a line\n[]\n{"no": "id"}\n')
    trail.path.chmod(0o644)
    _run(SignalExecutor(FakeSignaller(), JumpingClock(), trail), _plan())
    assert trail.path.read_text().startswith('{"half a line\n')
    assert len(read(trail.path).records) == len(_plan().targets)
    assert trail.path.stat().st_mode & 0o777 == 0o600


class Broken:
    """A trail that fails where it is told to."""

    def __init__(self, at: str) -> None:
        self._at = at

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        if self._at == "begin":
            raise AuditError("the audit log could not be written: the disk is full")

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        if self._at == "finish":
            raise AuditError("the audit log could not be written: the disk is full")


@pytest.mark.parametrize(
    ("at", "required", "sent"),
    [
        ("begin", False, True),
        ("begin", True, False),
        ("finish", False, True),
        ("finish", True, True),
    ],
)
def test_what_cannot_be_written_is_told(at: str, required: bool, sent: bool) -> None:
    """A failing trail is always told; where it is required, nothing is sent that it was not told
    of.
    """
    signaller = FakeSignaller()
    progress = _run(SignalExecutor(signaller, JumpingClock(), Broken(at), required), _plan())
    assert "disk is full" in progress.audit_failure
    assert bool(signaller.requests) is sent
    if not sent:
        assert {o.reply.status for o in progress.outcomes} == {ReplyStatus.UNRECORDED}
        assert {outcome_words(o).text for o in progress.outcomes} == {
            f"nothing was sent to {o.request.target.pid}" for o in progress.outcomes
        }


@pytest.mark.parametrize("required", [False, True])
def test_a_home_that_hangs_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    """While its file system hangs other tasks run; then that is told, and only a required trail
    stops the signal.
    """
    monkeypatch.setattr("pgtop.signalling.audit_log.WRITE_TIMEOUT", 0.05)
    trail, signaller, answers = _trail(tmp_path), FakeSignaller(), threading.Event()

    def hanging(_file: int, text: bytes) -> int:
        answers.wait()
        return len(text)

    monkeypatch.setattr(os, "write", hanging)

    async def end() -> tuple[Progress, int]:
        keys = asyncio.create_task(_count())
        *_, last = [
            progress
            async for progress in SignalExecutor(signaller, JumpingClock(), trail, required).run(
                _plan()
            )
        ]
        keys.cancel()
        answers.set()
        return last, await keys

    progress, keys = asyncio.run(end())
    assert "has not answered" in progress.audit_failure
    assert bool(signaller.requests) is not required
    assert keys > 10


async def _count() -> int:
    """How often the event loop has come round, until it is cancelled."""
    rounds = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.001)
            rounds += 1
    return rounds


@contextlib.contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: the kernel cuts the write, as on a full
    disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    """A write that was cut leaves half a record; the next one begins on a line of its own, and
    readers tell of it.
    """
    trail, made = _trail(tmp_path), _plan()
    entries = [
        AuditEntry(str(n), request, made.targets[n].backend, made.server)
        for n, request in enumerate(made.requests)
    ]
    asyncio.run(trail.begin(entries[:1]))
    size = trail.path.stat().st_size
    with (
        full_after(3 * size + size // 2),
        pytest.raises(AuditError, match="could not be written") as cut,
    ):
        asyncio.run(trail.begin(entries[1:]))
    written = cut.value.written
    assert 0 < written < len(entries) - 1
    assert not trail.path.read_text().endswith("\n")
    asyncio.run(trail.begin(entries[-1:]))
    found = read(trail.path)
    assert [record.request["id"] for record in found.records] == [
        "0",
        *map(str, range(1, written + 1)),
        entries[-1].id,
    ]
    assert found.damaged == 1


def _cut(trail: FileAuditLog) -> int:
    """A size of the trail within its third record, once a plan is written down."""
    spare = FileAuditLog(trail.path.with_name("spare.jsonl"), trail.person)
    _run(SignalExecutor(FakeSignaller(), JumpingClock(), spare), _plan())
    return sum(map(len, spare.path.read_text().splitlines(keepends=True)[:2])) + 20


def test_a_cut_batch_that_is_required_is_told_and_sends_nothing(tmp_path: Path) -> None:
    """The disk is full after two records and a half: nothing is sent, and that two look unfinished
    is told.
    """
    trail, signaller = _trail(tmp_path), FakeSignaller()
    with full_after(_cut(trail)):
        progress = _run(SignalExecutor(signaller, JumpingClock(), trail, required=True), _plan())
    assert signaller.requests == []
    assert {outcome.reply.status for outcome in progress.outcomes} == {ReplyStatus.UNRECORDED}
    assert "shows 2 as unfinished, though nothing was sent" in progress.audit_failure
    found = read(trail.path)
    assert ([record.is_finished for record in found.records], found.damaged) == ([False, False], 1)


class Roomy:
    """A trail whose disk has room again when the outcomes are known."""

    def __init__(self, trail: FileAuditLog) -> None:
        self._cut, self._trail = _cut(trail), trail

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        with full_after(self._cut):
            await self._trail.begin(entries)

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        await self._trail.finish(ended)


@pytest.mark.parametrize("required", [True, False])
def test_only_what_was_begun_is_finished(tmp_path: Path, required: bool) -> None:
    """No outcome stands in the trail without its question, and what stands there unsent is told to
    be so.
    """
    trail, signaller, made = _trail(tmp_path), FakeSignaller(), _plan()
    progress = _run(SignalExecutor(signaller, JumpingClock(), Roomy(trail), required), made)
    assert len(signaller.requests) == (0 if required else len(made.targets))
    assert "could not be written" in progress.audit_failure
    found = read(trail.path)
    assert [record.is_finished for record in found.records] == [True, True]
    assert {record.as_dict()["outcome"]["effect"] for record in found.records} == {
        "not sent" if required else "gone"
    }
    ended = [line for line in trail.path.read_text().splitlines() if '"event": "ended"' in line]
    assert len(ended) == 2


def test_who_leaves_before_the_effect_leaves_it_unfinished(tmp_path: Path) -> None:
    """An interruption writes what is known, that it was sent, and the signal stays among the
    unfinished ones.
    """
    trail = _trail(tmp_path)

    def interrupted(who: BackendId) -> Backend | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(SignalExecutor(FakeSignaller(look=interrupted), JumpingClock(), trail), _plan())
    records = read(trail.path).records
    assert {record.as_dict()["outcome"]["answer"] for record in records} == {"sent"}
    assert list(matching(records, AuditCommand(unfinished=True), datetime.now(UTC))) == list(
        records
    )
    assert all(INTERRUPTED in "".join(lines(record)) for record in records)


_WHOLE = {
    "event": "asked",
    "id": "1",
    "at": "2026-03-10T14:25:07.250+00:00",
    "os_user": "anna",
    "server": "db1:5432",
    "as_role": "dba",
    "signal": "cancel",
    "pid": 1,
    "backend_start": None,
    "role": "web",
    "database": "shop",
    "application": "",
    "client": None,
    "query": "",
    "reason": "",
}


@given(
    st.dictionaries(
        st.sampled_from([*_WHOLE, "ssh_client"]),
        st.none() | st.text() | st.integers() | st.lists(st.none()),
    )
)
def test_no_damage_stops_the_reader(damage: dict[str, object]) -> None:
    """Whatever a field holds by now, the record is shown or counted as damaged, and those around it
    are shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        path.write_text(
            "".join(json.dumps(each) + "\n" for each in (_WHOLE, _WHOLE | damage, _WHOLE))
        )
        found = read(path)
    assert len(found.records) + found.damaged == 3
    for record in matching(found.records, AuditCommand(since=1e10), datetime.now(UTC)):
        assert lines(record)


@given(st.sets(st.sampled_from(sorted(_WHOLE)), min_size=1))
def test_a_record_that_lacks_something_is_damaged(missing: set[str]) -> None:
    """What a hand or a disk has taken out of a record is no reason to fail: it is left out and
    counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        path.write_text(
            json.dumps({name: value for name, value in _WHOLE.items() if name not in missing})
            + "\n"
        )
        assert read(path) == AuditRecords([], 1)


@pytest.mark.parametrize("in_the_way", ["folder", "link"])
def test_a_trail_that_cannot_be_opened(tmp_path: Path, in_the_way: str) -> None:
    """A file in the place of the folder, and a link in the place of the file, are refused with the
    path.
    """
    trail = _trail(tmp_path)
    if in_the_way == "folder":
        trail.path.parent.write_text("")
    else:
        trail.path.parent.mkdir()
        trail.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError, match="state"):
        asyncio.run(
            trail.begin(
                [AuditEntry("1", _plan().requests[0], _plan().targets[0].backend, _plan().server)]
            )
        )


def test_hostile_texts_stay_inside_their_line(tmp_path: Path) -> None:
    """Whatever a stranger put into a query, one record is one line of ASCII, and it is cleaned when
    it is shown.
    """
    scene, trail = hostile(), _trail(tmp_path)
    made = make_plan(Signal.TERMINATE, scene.backends, scene)
    _run(SignalExecutor(FakeSignaller(), JumpingClock(), trail), made, HOSTILE_TEXTS[0])
    text = trail.path.read_text(encoding="ascii")
    assert len(text.splitlines()) == 2 * len(made.targets)
    assert all(json.loads(line) for line in text.splitlines())
    shown = "".join(row for record in read(trail.path).records for row in lines(record))
    assert "\x1b" not in shown


def test_who_asks() -> None:
    """The OS user, and the client of an SSH session where there is one."""
    assert "ssh_client" not in person_of({})
    assert (
        person_of({"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"})["ssh_client"] == "192.0.2.7"
    )


def test_survivors_of_a_cancel_are_recorded_as_seen(tmp_path: Path) -> None:
    """An outcome that is not the wished one is written as it is."""
    scene, trail = busy(), _trail(tmp_path)
    stays = {b.identity: b for b in scene.backends}

    def look(who: BackendId) -> Backend | None:
        return stays[who]

    made = make_plan(Signal.CANCEL, scene.backends, replace(scene))
    _run(SignalExecutor(FakeSignaller(look=look), JumpingClock(), trail), made)
    assert {record.as_dict()["outcome"]["effect"] for record in read(trail.path).records} == {
        "still running"
    }


def test_who_asks_is_who_the_process_runs_as() -> None:
    """Names that anybody can set in the environment are nobody's."""
    env = {**os.environ, "LOGNAME": "alice", "USER": "alice", "LNAME": "alice", "USERNAME": "alice"}
    code = "import os; from pgtop.signalling.audit_log import person_of; print(person_of(os.environ)['os_user'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == pwd.getpwuid(os.getuid()).pw_name


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _of_another_user(path: Path) -> None:
    path.write_text("")
    if os.geteuid() == 0:
        os.chown(path, 54321, 54321)
    else:
        path.unlink()
        path.symlink_to("/etc/hostname")


def _linked(path: Path) -> None:
    path.with_name("other").write_text("")
    path.hardlink_to(path.with_name("other"))


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    "put",
    [
        _pipe,
        _of_another_user,
        _linked,
        _socket,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/null"),
    ],
    ids=["pipe", "another user's", "hard link", "socket", "folder", "link to a device"],
)
def test_what_is_no_file_of_this_user_is_no_trail(
    put: Callable[[Path], None], tmp_path: Path
) -> None:
    """Nothing is written to it or read from it, nothing is waited for, and a required trail stops
    the signal.
    """
    trail, signaller = _trail(tmp_path), FakeSignaller()
    trail.path.parent.mkdir()
    put(trail.path)
    progress = _run(SignalExecutor(signaller, JumpingClock(), trail, required=True), _plan())
    assert "could not be written: it " in progress.audit_failure
    assert signaller.requests == []
    with pytest.raises(AuditError, match="could not be read: it "):
        read(trail.path)


def test_a_folder_of_another_user_holds_no_trail(tmp_path: Path) -> None:
    """Its owner could put another file in the trail's place."""
    if os.geteuid() != 0:
        return
    trail = _trail(tmp_path)
    trail.path.parent.mkdir(mode=0o777)
    os.chown(trail.path.parent, 54321, 54321)
    assert (
        "belongs to another user"
        in _run(SignalExecutor(FakeSignaller(), JumpingClock(), trail), _plan()).audit_failure
    )


def test_trail_and_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """A process started with umask 000 makes them for its user alone."""
    trail = FileAuditLog(
        tmp_path / "local" / "state" / "pgtop" / "audit.jsonl", {"os_user": "anna"}
    )
    before = os.umask(0)
    try:
        _run(SignalExecutor(FakeSignaller(), JumpingClock(), trail), _plan())
    finally:
        os.umask(before)
    made = [trail.path, *trail.path.parents[:3]]
    assert [each.stat().st_mode & 0o777 for each in made] == [0o600, 0o700, 0o700, 0o700]


_GARBAGE = {
    "nested": b"[" * 100_000,
    "nested in a record": json.dumps(_WHOLE).encode()[:-1]
    + b', "x": '
    + b"[" * 900
    + b"]" * 900
    + b"}",
    "long": b"x" * ((8 << 20) + 100),
    "binary": bytes(each for each in range(256) if each != 10),
    "long number": b'{"at": ' + b"9" * 100_000 + b"}",
    "time before all zones": json.dumps(_WHOLE | {"at": "0001-01-01T00:00:00+23:00"}).encode(),
    "surrogate": json.dumps(_WHOLE | {"query": None}).encode().replace(b"null", b'{"\\ud800": 1}'),
}


@pytest.mark.parametrize("kind", _GARBAGE)
def test_garbage_is_counted_and_stepped_over(kind: str, tmp_path: Path) -> None:
    """The records around a line that is none are read."""
    trail = _trail(tmp_path)
    trail.path.parent.mkdir()
    whole = json.dumps(_WHOLE).encode()
    trail.path.write_bytes(b"\n".join([whole, _GARBAGE[kind], whole, b""]))
    found = read(trail.path)
    assert (len(found.records), found.damaged) == (2, 1)
    assert [line for record in found.records for line in lines(record)]


def test_of_a_very_long_trail_the_newest_part_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded, and what was left out is reported."""
    monkeypatch.setattr("pgtop.signalling.audit_reader._LONGEST", 1000)
    path = tmp_path / "audit.jsonl"
    path.write_text(
        "".join(json.dumps(_WHOLE | {"id": str(number)}) + "\n" for number in range(50))
    )
    found = read(path)
    assert found.is_shortened
    assert found.damaged == 0
    assert [record.request["id"] for record in found.records] == ["47", "48", "49"][
        -len(found.records) :
    ]


async def test_a_user_without_a_home_has_no_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is recorded, which is reported; a signal that requires a trail is not sent."""
    monkeypatch.setattr("pgtop.files._home", lambda: None)
    monkeypatch.delenv("XDG_STATE_HOME")
    signaller = FakeSignaller()
    errands = SignalExecutor(signaller, JumpingClock(), audit_log_for({}), required=True)
    *_, progress = [progress async for progress in errands.run(_plan())]
    assert "no home folder" in progress.audit_failure
    assert signaller.requests == []


def test_lines_of_several_writers_stay_whole(tmp_path: Path) -> None:
    """Ten pgtops at once: each record is one line."""
    path = tmp_path / "audit.jsonl"
    code = (
        "import sys; from pathlib import Path; from pgtop.signalling.audit_log import FileAuditLog\n"
        "trail = FileAuditLog(Path(sys.argv[1]), {})\n"
        f"for each in range(100): trail._append([{_WHOLE!r} | {{'query': 'x' * 5000}}])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(10)]
    assert [writer.wait() for writer in writers] == [0] * 10
    found = read(path)
    assert (len(found.records), found.damaged) == (1000, 0)
