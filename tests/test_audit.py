"""The audit trail: written before and after, whole lines only, private, and honest about what it does not know."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pgtop.analysis.planning import plan
from pgtop.audit import Trail, person_of, read
from pgtop.cli.commands.audit import UNFINISHED, lines
from pgtop.errand import Errands, Progress
from pgtop.model.audit import Entry
from pgtop.model.backend import Backend, BackendId
from pgtop.model.plan import Plan
from pgtop.model.signal import Answer, Order, Outcome, Receipt, Signal
from pgtop.ports import RecordError
from tests.fakes import FakeSignaller, JumpingClock
from tests.scenes import HOSTILE_TEXTS, busy, hostile


def _plan() -> Plan:
    scene = busy()
    return plan(Signal.TERMINATE, scene.backends, scene)


def _run(errands: Errands, made: Plan, reason: str = "") -> Progress:
    async def last() -> Progress:
        progress = Progress(made, ())
        async for progress in errands.run(made, reason):  # noqa: B007
            pass
        return progress

    return asyncio.run(last())


def _trail(folder: Path) -> Trail:
    return Trail(folder / "state" / "audit.jsonl", {"os_user": "anna"})


def test_every_target_has_its_line_before_and_after(tmp_path: Path) -> None:
    """The first lines are there when the door is asked; the second ones when the outcome is known."""
    trail, made = _trail(tmp_path), _plan()
    at_the_door: list[int] = []

    class Watching(FakeSignaller):
        async def send_all(self, orders: Sequence[Order]) -> Sequence[Receipt]:
            at_the_door.append(len(trail.path.read_text().splitlines()))
            return await super().send_all(orders)

    progress = _run(Errands(Watching(), JumpingClock(), trail), made, "storm")
    assert (at_the_door, progress.trouble) == ([len(made.targets)], "")
    records = list(read(trail.path))
    assert [r.asked["pid"] for r in records] == [t.backend.pid for t in made.targets]
    assert all(r.ended is not None and r.ended["effect"] == "gone" for r in records)
    assert {r.asked["reason"] for r in records} == {"storm"}
    assert trail.path.stat().st_mode & 0o777 == 0o600


def test_a_crash_in_between_shows(tmp_path: Path) -> None:
    """Signals that were asked for and never completed are there, without an outcome, and told so."""
    trail, made = _trail(tmp_path), _plan()

    class Crashing(FakeSignaller):
        async def send_all(self, orders: Sequence[Order]) -> Sequence[Receipt]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(Errands(Crashing(), JumpingClock(), trail), made)
    records = list(read(trail.path))
    assert len(records) == len(made.targets)
    assert all(record.ended is None for record in records)
    assert all(UNFINISHED in "".join(lines(record)) for record in records)


def test_the_file_is_only_appended_to(tmp_path: Path) -> None:
    """What stands there stays, a broken line too, and reading steps over it; a looser mode is tightened."""
    trail = _trail(tmp_path)
    trail.path.parent.mkdir()
    trail.path.write_text('{"half a line\n[]\n{"no": "id"}\n')
    trail.path.chmod(0o644)
    _run(Errands(FakeSignaller(), JumpingClock(), trail), _plan())
    assert trail.path.read_text().startswith('{"half a line\n')
    assert len(list(read(trail.path))) == len(_plan().targets)
    assert trail.path.stat().st_mode & 0o777 == 0o600


class Broken:
    """A trail that fails where it is told to."""

    def __init__(self, at: str) -> None:
        self._at = at

    def begin(self, entries: Sequence[Entry]) -> None:
        if self._at == "begin":
            raise RecordError("the audit trail could not be written: the disk is full")

    def finish(self, ended: Sequence[tuple[Entry, Outcome]]) -> None:
        if self._at == "finish":
            raise RecordError("the audit trail could not be written: the disk is full")


@pytest.mark.parametrize(("at", "required", "sent"), [
    ("begin", False, True), ("begin", True, False), ("finish", False, True), ("finish", True, True),
])  # fmt: skip
def test_what_cannot_be_written_is_told(at: str, required: bool, sent: bool) -> None:
    """A failing trail is always told; where it is required, nothing is sent that it was not told of."""
    signaller = FakeSignaller()
    progress = _run(Errands(signaller, JumpingClock(), Broken(at), required), _plan())
    assert "disk is full" in progress.trouble
    assert bool(signaller.orders) is sent
    if not sent:
        assert {o.receipt.answer for o in progress.outcomes} == {Answer.REFUSED}


@pytest.mark.parametrize("in_the_way", ["folder", "link"])
def test_a_trail_that_cannot_be_opened(tmp_path: Path, in_the_way: str) -> None:
    """A file in the place of the folder, and a link in the place of the file, are refused with the path."""
    trail = _trail(tmp_path)
    if in_the_way == "folder":
        trail.path.parent.write_text("")
    else:
        trail.path.parent.mkdir()
        trail.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match="state"):
        trail.begin([Entry("1", _plan().orders[0], _plan().targets[0].backend, _plan().server)])


def test_hostile_texts_stay_inside_their_line(tmp_path: Path) -> None:
    """Whatever a stranger put into a query, one record is one line of ASCII, and it is cleaned when it is shown."""
    scene, trail = hostile(), _trail(tmp_path)
    made = plan(Signal.TERMINATE, scene.backends, scene)
    _run(Errands(FakeSignaller(), JumpingClock(), trail), made, HOSTILE_TEXTS[0])
    text = trail.path.read_text(encoding="ascii")
    assert len(text.splitlines()) == 2 * len(made.targets)
    assert all(json.loads(line) for line in text.splitlines())
    shown = "".join(row for record in read(trail.path) for row in lines(record))
    assert "\x1b" not in shown


def test_who_asks() -> None:
    """The OS user, and the client of an SSH session where there is one."""
    assert "ssh_client" not in person_of({})
    assert person_of({"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"})["ssh_client"] == "192.0.2.7"


def test_survivors_of_a_cancel_are_recorded_as_seen(tmp_path: Path) -> None:
    """An outcome that is not the wished one is written as it is."""
    scene, trail = busy(), _trail(tmp_path)
    stays = {b.identity: b for b in scene.backends}

    def look(who: BackendId) -> Backend | None:
        return stays[who]

    made = plan(Signal.CANCEL, scene.backends, replace(scene))
    _run(Errands(FakeSignaller(look=look), JumpingClock(), trail), made)
    assert {record.as_dict()["outcome"]["effect"] for record in read(trail.path)} == {"still running"}
