"""Figures of a real server's processes, beside those of ps and /proc; none in another namespace."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from pgtop.model.backend_io import SECTION, backend_io_of
from pgtop.model.host import ProcessFigures, figures_of, host_of
from pgtop.model.section import BACKEND_IO, SESSIONS, SESSIONS_ONLY
from pgtop.model.snapshot import Snapshot
from pgtop.sources.host.enricher import HostEnricher
from pgtop.sources.host.proc import Proc
from pgtop.sources.host.proof import prove
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes import backend_io
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import sample_until

HZ = os.sysconf("SC_CLK_TCK")
WORK = "SELECT count(*) FROM generate_series(1, 800000)"
WRITE = "CREATE TEMP TABLE written AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)"
NAMESPACE = ["--pid", "--fork", "--mount-proc"]
if os.geteuid() != 0:
    NAMESPACE += ["--user", "--map-root-user"]


def ps(pid: int, column: str) -> str:
    """Return a column of ps."""
    words = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(
        words, capture_output=True, text=True, check=True
    ).stdout.strip()


def proc_file(pid: int, name: str) -> dict[str, str]:
    """Return the lines `NAME: VALUE` of a file of /proc."""
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    pairs = [line.partition(":") for line in lines]
    return {name: value.strip() for name, _, value in pairs}


def written_bytes(pid: int) -> int:
    return int(proc_file(pid, "io")["write_bytes"])


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_figures_are_those_of_ps_and_proc(
    session: ServerConnection, connect: Connect
) -> None:
    worker = await connect(application_name="worker")
    pid = worker.info.backend_pid
    source = PostgresSource(session)
    enricher = HostEnricher()
    first = await source.sample()
    assert prove(first, Proc()).postmaster == int(ps(pid, "ppid"))
    ticks, written = cpu_ticks(pid), written_bytes(pid)
    before = monotonic()
    await enricher.read_now(first)
    began = monotonic()
    await worker.execute(WORK)
    await worker.execute(WRITE)
    snapshot = await source.sample()
    ended = monotonic()
    enriched = await enricher.read_now(snapshot)
    after = monotonic()
    ticks = cpu_ticks(pid) - ticks
    written = written_bytes(pid) - written
    figures = figures_in(enriched, pid)
    cpu = figures.cpu_percent or 0
    assert 100 * (ticks - 2) / HZ / (after - before) < cpu
    assert cpu < 100 * (ticks + 2) / HZ / (ended - began)
    rate = figures.write_bytes_per_second or 0
    assert written / (after - before) - 1 <= rate <= written / (ended - began) + 1
    assert figures.read_bytes_per_second is not None
    pss = int(proc_file(pid, "smaps_rollup")["Pss"].split()[0]) << 10
    assert figures.pss_bytes == pytest.approx(pss, rel=0.2, abs=2 << 20)
    assert (figures.pss_bytes or 0) <= int(ps(pid, "rss")) << 10
    assert (figures.private_bytes or 0) <= (figures.pss_bytes or 0)
    reading = host_of(enriched)
    assert reading is not None
    assert reading.disk is not None


def figures_in(snapshot: Snapshot, pid: int) -> ProcessFigures:
    backend = snapshot.at(pid)
    assert backend is not None
    figures = figures_of(backend, snapshot)
    assert figures is not None
    return figures


def test_nothing_is_shown_in_another_pid_namespace(dsn: str) -> None:
    """The connection seems to stay on the machine, as through a tunnel or into a container."""
    show = [sys.executable, "-m", "pgtop", "show", "--json", "--host-figures", "on"]
    there = json.loads(output_of(["unshare", *NAMESPACE, *show, dsn]))
    assert there["host"] is None
    assert "not among those of this machine" in there["sections"]["host"]["reason"]
    assert {session["host"] for session in there["sessions"]} == {None}


def output_of(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


async def test_a_server_counts_what_ended_transactions_have_moved(
    session: ServerConnection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 18 on; before, there is nothing to read, and nothing is asked for."""
    monkeypatch.setattr(backend_io, "EVERY", 0.0)
    worker = await connect(application_name="worker")
    pid = worker.info.backend_pid
    source = PostgresSource(session)
    wanted = SESSIONS_ONLY | {SESSIONS, BACKEND_IO}
    await source.sample()
    await worker.execute("SELECT 1")
    snapshot = await source.sample(wanted)
    if snapshot.server.major < 18:
        assert SECTION not in snapshot.sections
        return
    await worker.execute(WRITE)
    await worker.execute("SELECT pg_stat_force_next_flush()")

    def is_counted(sample: Snapshot) -> bool:
        backend = sample.at(pid)
        counted = None if backend is None else backend_io_of(backend, sample)
        return counted is not None and counted.write_bytes_per_second > 0

    await sample_until(source, is_counted, wanted)
