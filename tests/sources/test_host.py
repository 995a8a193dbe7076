"""The CPUs of the server are known only where its process is provably one of this machine."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import from_datetime
from pgtop.sources.host import local_cpus
from tests.scenes import calm

BOOT = 1_700_000_000
AFTER_BOOT = 500


def machine(folder: Path, pid: int, name: str = "postgres") -> Path:
    """Write what /proc has about one process, which began some time after the boot."""
    ticks = AFTER_BOOT * os.sysconf("SC_CLK_TCK")
    process = folder / str(pid)
    process.mkdir()
    (folder / "stat").write_text(f"cpu 1 2 3\nbtime {BOOT}\n")
    fields = " ".join(["S", *["1"] * 18, str(ticks), "0"])
    (process / "stat").write_text(f"{pid} ({name}) {fields}\n")
    (process / "status").write_text("Name:\tx\nCpus_allowed_list:\t0-3,8\n")
    return folder


def sample(started: float = BOOT + AFTER_BOOT) -> Snapshot:
    snapshot = calm()
    own = snapshot.at(snapshot.server.pid)
    assert own is not None
    at = from_datetime(datetime.fromtimestamp(started, UTC))
    others = [each for each in snapshot.backends if each.pid != own.pid]
    sessions = (*others, own._replace(backend_start=at))
    return replace(snapshot, ungrouped=sessions)


def test_the_same_pid_name_and_start_are_the_proof(tmp_path: Path) -> None:
    snapshot = sample()
    proc = machine(tmp_path, snapshot.server.pid)
    assert local_cpus(snapshot, proc) == 5
    assert local_cpus(sample(BOOT + AFTER_BOOT + 10), proc) is None
    assert local_cpus(snapshot, tmp_path / "nowhere") is None


def test_another_program_is_no_proof(tmp_path: Path) -> None:
    snapshot = sample()
    proc = machine(tmp_path, snapshot.server.pid, "kworker/3:1 (x)")
    assert local_cpus(snapshot, proc) is None
    (proc / str(snapshot.server.pid) / "stat").write_text("nonsense")
    assert local_cpus(snapshot, proc) is None
