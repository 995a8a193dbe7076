"""The audit log: written before and after each signal, in whole lines, private, and appended to."""

import asyncio
import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pgtop.cli.commands.audit import lines
from pgtop.model.audit import AuditEntry
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import Signal, SignalReply, SignalRequest
from pgtop.ports import AuditError
from pgtop.signalling.audit_log import (
    FileAuditLog,
    audit_log_for,
    default_path,
    person_of,
)
from pgtop.signalling.audit_reader import read
from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.planning import make_plan
from tests.fakes import FakeSignaller, JumpingClock
from tests.scenes import HOSTILE_TEXTS, busy, hostile
from tests.signalling.audit_helpers import WHOLE_RECORD, execute, log_in, plan_of_many


def test_every_target_has_its_line_before_and_after(tmp_path: Path) -> None:
    """The first lines are written before the signaller is called, the others with the outcome."""
    audit_log, plan = log_in(tmp_path), plan_of_many()
    lines_at_sending: list[int] = []

    class Watching(FakeSignaller):
        async def send_all(
            self, requests: Sequence[SignalRequest]
        ) -> Sequence[SignalReply]:
            lines_at_sending.append(len(audit_log.path.read_text().splitlines()))
            return await super().send_all(requests)

    progress = execute(
        SignalExecutor(Watching(), JumpingClock(), audit_log), plan, "storm"
    )
    assert (lines_at_sending, progress.audit_failure) == ([len(plan.targets)], "")
    records = read(audit_log.path).records
    assert [r.request["pid"] for r in records] == [t.backend.pid for t in plan.targets]
    assert all(r.outcome is not None and r.outcome["effect"] == "gone" for r in records)
    assert {r.request["reason"] for r in records} == {"storm"}
    assert audit_log.path.stat().st_mode & 0o777 == 0o600


def test_the_file_is_only_appended_to(tmp_path: Path) -> None:
    """Earlier lines stay, even a broken one, and reading skips it; a looser mode is tightened."""
    audit_log = log_in(tmp_path)
    audit_log.path.parent.mkdir()
    audit_log.path.write_text('{"half a line\n[]\n{"no": "id"}\n')
    audit_log.path.chmod(0o644)
    execute(SignalExecutor(FakeSignaller(), JumpingClock(), audit_log), plan_of_many())
    assert audit_log.path.read_text().startswith('{"half a line\n')
    assert len(read(audit_log.path).records) == len(plan_of_many().targets)
    assert audit_log.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("in_the_way", ["folder", "link"])
def test_an_unopenable_log_is_refused(tmp_path: Path, in_the_way: str) -> None:
    """A file in the place of the folder, and a link in the place of the file, are refused with the
    path.
    """
    audit_log = log_in(tmp_path)
    if in_the_way == "folder":
        audit_log.path.parent.write_text("")
    else:
        audit_log.path.parent.mkdir()
        audit_log.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError, match="state"):
        asyncio.run(
            audit_log.begin(
                [
                    AuditEntry(
                        "1",
                        plan_of_many().requests[0],
                        plan_of_many().targets[0].backend,
                        plan_of_many().server,
                    )
                ]
            )
        )


def test_hostile_texts_stay_inside_their_line(tmp_path: Path) -> None:
    """One record is one line of ASCII for any query, and is cleaned when it is shown."""
    scene, audit_log = hostile(), log_in(tmp_path)
    plan = make_plan(Signal.TERMINATE, scene.backends, scene)
    execute(
        SignalExecutor(FakeSignaller(), JumpingClock(), audit_log),
        plan,
        HOSTILE_TEXTS[0],
    )
    text = audit_log.path.read_text(encoding="ascii")
    assert len(text.splitlines()) == 2 * len(plan.targets)
    assert all(json.loads(line) for line in text.splitlines())
    shown = "".join(
        row for record in read(audit_log.path).records for row in lines(record)
    )
    assert "\x1b" not in shown


def test_a_demo_has_a_log_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log at another path gets the records, and the user's own file does not."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    audit_log = audit_log_for({}, tmp_path / "audit.jsonl")
    execute(SignalExecutor(FakeSignaller(), JumpingClock(), audit_log), plan_of_many())
    assert len(read(tmp_path / "audit.jsonl").records) == len(plan_of_many().targets)
    assert not default_path().exists()


def test_the_person_has_user_and_ssh_client() -> None:
    """The record names the OS user, and the client of an SSH session if there is one."""
    assert "ssh_client" not in person_of({})
    assert (
        person_of({"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"})["ssh_client"]
        == "192.0.2.7"
    )


def test_survivors_of_a_cancel_are_recorded_as_seen(tmp_path: Path) -> None:
    """An unwanted outcome is written as it is."""
    scene, audit_log = busy(), log_in(tmp_path)
    stays = {b.identity: b for b in scene.backends}

    def look(backend_id: BackendId) -> Backend | None:
        return stays[backend_id]

    plan = make_plan(Signal.CANCEL, scene.backends, replace(scene))
    execute(SignalExecutor(FakeSignaller(look=look), JumpingClock(), audit_log), plan)
    assert {
        record.as_dict()["outcome"]["effect"] for record in read(audit_log.path).records
    } == {"still running"}


def test_the_person_is_the_user_of_the_process() -> None:
    """Names that can be set in the environment are ignored."""
    env = {
        **os.environ,
        "LOGNAME": "alice",
        "USER": "alice",
        "LNAME": "alice",
        "USERNAME": "alice",
    }
    code = (
        "import os; from pgtop.signalling.audit_log import person_of;"
        "print(person_of(os.environ)['os_user'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        check=True,
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
    with socket.socket(socket.AF_UNIX) as plan:
        plan.bind(str(path))


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
def test_only_a_file_of_this_user_is_a_log(
    put: Callable[[Path], None], tmp_path: Path
) -> None:
    """Nothing is written to another kind of file or read from it, and a required log stops the
    signal.
    """
    audit_log, signaller = log_in(tmp_path), FakeSignaller()
    audit_log.path.parent.mkdir()
    put(audit_log.path)
    progress = execute(
        SignalExecutor(signaller, JumpingClock(), audit_log, required=True),
        plan_of_many(),
    )
    assert "could not be written: it " in progress.audit_failure
    assert signaller.requests == []
    with pytest.raises(AuditError, match="could not be read: it "):
        read(audit_log.path)


def test_a_folder_of_another_user_holds_no_log(tmp_path: Path) -> None:
    """The owner could replace the log by another file."""
    if os.geteuid() != 0:
        return
    audit_log = log_in(tmp_path)
    audit_log.path.parent.mkdir(mode=0o777)
    os.chown(audit_log.path.parent, 54321, 54321)
    assert (
        "belongs to another user"
        in execute(
            SignalExecutor(FakeSignaller(), JumpingClock(), audit_log), plan_of_many()
        ).audit_failure
    )


def test_log_and_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """A process started with umask 000 makes them for its user alone."""
    audit_log = FileAuditLog(
        tmp_path / "local" / "state" / "pgtop" / "audit.jsonl", {"os_user": "anna"}
    )
    before = os.umask(0)
    try:
        execute(
            SignalExecutor(FakeSignaller(), JumpingClock(), audit_log), plan_of_many()
        )
    finally:
        os.umask(before)
    plan = [audit_log.path, *audit_log.path.parents[:3]]
    assert [each.stat().st_mode & 0o777 for each in plan] == [
        0o600,
        0o700,
        0o700,
        0o700,
    ]


def test_lines_of_several_writers_stay_whole(tmp_path: Path) -> None:
    """Ten pgtops write at once, and each record is one line."""
    path = tmp_path / "audit.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from pgtop.signalling.audit_log import FileAuditLog\n"
        "log = FileAuditLog(Path(sys.argv[1]), {})\n"
        f"for each in range(100): log._append([{WHOLE_RECORD!r} | {{'query': 'x' * 5000}}])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(10)]
    assert [writer.wait() for writer in writers] == [0] * 10
    log = read(path)
    assert (len(log.records), log.damaged) == (1000, 0)
