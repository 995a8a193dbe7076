"""`pgtop budget`: for people, and as a check in the monitoring-plugin convention."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgtop.analysis.usage import Usage
from pgtop.cli.commands import budget
from pgtop.cli.commands.budget import check
from pgtop.cli.exits import Check, Exit
from pgtop.cli.options import Budget
from pgtop.demo.server import Cluster
from pgtop.model.snapshot import Snapshot
from tests.cli import PGTOP, one_sentence, pgtop
from tests.scenes import calm

PERFDATA = re.compile(r"used=\d+;\d*;\d*;0;\d+")


@pytest.mark.parametrize(
    ("used", "warn", "crit", "code", "levels"),
    [
        (79, 80, 95, Check.OK, "79;94"), (80, 80, 95, Check.WARNING, "79;94"), (95, 80, 95, Check.CRITICAL, "79;94"),
        (100, 80, None, Check.WARNING, "79;"), (0, None, 0, Check.CRITICAL, ";0"), (3, 2.5, 100, Check.WARNING, "2;99"),
    ],
)  # fmt: skip
def test_levels(used: int, warn: float | None, crit: float | None, code: Check, levels: str) -> None:
    """A level begins at its percentage; the performance data give the largest number below it."""
    verdict = check(Usage("connections", used, 100), warn, crit)
    assert verdict.code is code
    assert verdict.line.endswith(f"| used={used};{levels};0;100")


def test_a_limit_of_nothing_is_used_up() -> None:
    """A role that may not connect at all has no share left."""
    assert check(Usage("role x", 0, 0), 80, 95).code is Check.CRITICAL


@given(st.text(), st.integers(0, 10), st.integers(0, 10))
def test_no_name_reaches_the_performance_data(name: str, used: int, limit: int) -> None:
    """Whatever a role is called, with | ' = or line breaks in it: one line, one bar, one label, plain numbers."""
    line = check(Usage(f"role {name}", used, limit), 80, 95).line
    words, bar, data = line.partition(" | ")
    assert (line.count("|"), bar) == (1, " | ")
    assert len(line.splitlines()) == 1
    assert PERFDATA.fullmatch(data)
    assert words.startswith("PGTOP ")


def test_one_line_for_monitoring(dsn: str) -> None:
    """One line with performance data, and the code; a lower level warns."""
    for words, code in ((["--warn=99", "--crit=100"], Check.OK), (["--warn", "0"], Check.WARNING)):
        done = pgtop("budget", dsn, *words)
        assert (done.returncode, done.stderr) == (code, "")
        assert done.stdout.startswith(f"PGTOP {code.name} - connections: ")
        assert PERFDATA.search(done.stdout)
        assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--warn", "much"], ["--warn=90", "--crit=80"], ["--crit", "5", "--colour"], ["--warning", "80"],
        ["--crit", "5", "-d", "port=no"], ["--crit", "5", "--role", "\udcff"],
    ],
)  # fmt: skip
def test_a_check_that_is_wrongly_asked_for_is_unknown(words: list[str]) -> None:
    """2 would be CRITICAL, and wake somebody up; what is wrong is told in one line where the monitoring looks."""
    done = pgtop("budget", *words)
    assert (done.returncode, done.stderr) == (Check.UNKNOWN, "")
    assert done.stdout.startswith("PGTOP UNKNOWN - ")
    assert done.stdout.count("\n") == 1


def test_people_are_told_of_wrong_usage_as_everywhere() -> None:
    """Without a level to check it is no check."""
    done = pgtop("budget", "--colour")
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert "--colour" in one_sentence(done.stderr)


def test_by_role_and_by_database(dsn: str) -> None:
    """Their own limits count; a name that is not there is unknown."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE pgtop_limited LOGIN CONNECTION LIMIT 2")
        try:
            with psycopg.connect(make_conninfo(dsn, user="pgtop_limited")):
                done = pgtop("budget", dsn, "--crit", "50", "--role", "pgtop_limited")
        finally:
            admin.execute("DROP ROLE pgtop_limited")
    assert done.stdout.startswith("PGTOP CRITICAL - role pgtop_limited: 1 of 2 used (50%)")
    assert pgtop("budget", dsn, "--warn", "99", "--database", "postgres").returncode == Check.OK
    unknown = pgtop("budget", dsn, "--warn", "99", "--database", "no such")
    assert (unknown.returncode, unknown.stdout) == (Check.UNKNOWN, "PGTOP UNKNOWN - There is no database 'no such'.\n")


def test_a_role_with_signs_in_its_name(dsn: str) -> None:
    """The signs that mean something in performance data do no harm, whether the role is there or not."""
    name = "pgtop|a'b=c d"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 2").format(sql.Identifier(name)))
        try:
            found = pgtop("budget", dsn, "--crit", "50", "--role", name)
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    assert found.stdout == "PGTOP OK - role pgtop/a'b=c d: 0 of 2 used (0%) | used=0;;0;0;2\n"
    unknown = pgtop("budget", dsn, "--crit", "50", "--role", name)
    assert (unknown.returncode, "|" in unknown.stdout) == (Check.UNKNOWN, False)


def test_a_server_that_cannot_be_asked_is_unknown() -> None:
    """Nothing listens there: 3, in one line on stdout, where the monitoring looks."""
    done = pgtop("budget", "-h", "127.0.0.1", "-p", "1", "--warn", "80")
    assert done.returncode == Check.UNKNOWN
    assert done.stdout.startswith("PGTOP UNKNOWN - ")
    assert done.stdout.count("\n") == 1


def test_a_check_that_cannot_be_told_is_unknown(dsn: str) -> None:
    """A full disk under the log of a monitoring: 3, and a sentence on stderr."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PGTOP, "budget", dsn, "--warn", "80"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.returncode == Check.UNKNOWN
    assert done.stderr.startswith("pgtop: ")


def test_a_bug_in_a_check_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is reported as every bug is, and the monitoring does not take it for a warning."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(budget, "_usage", _broken)
    monkeypatch.setattr(budget, "_sample", _calm)
    code = budget.run(Budget(warn=80.0))
    said = capsys.readouterr()
    assert (code, said.out) == (
        Check.UNKNOWN,
        "PGTOP UNKNOWN - This is a bug in pgtop (KeyError): stderr tells more.\n",
    )
    assert "Please report it" in said.err


def _broken(*_: object) -> Usage:
    raise KeyError("no such")


async def _calm(_: object) -> Snapshot:
    return calm()


@pytest.fixture
def full(bindir: Path | None) -> Iterator[Cluster]:
    settings = {"max_connections": "5", "superuser_reserved_connections": "1", "max_wal_senders": "0"}
    with Cluster(bindir, settings) as running, ExitStack() as slots:
        while True:
            try:
                slots.enter_context(psycopg.connect(running.socket_dsn))
            except psycopg.OperationalError:
                break
        yield running


def test_a_full_server_is_critical(full: Cluster) -> None:
    """That is what the check is for; without levels it is the error that it is for every command."""
    done = pgtop("budget", full.socket_dsn, "--warn", "80")
    assert (done.returncode, done.stdout[:16]) == (Check.CRITICAL, "PGTOP CRITICAL -")
    assert pgtop("budget", full.socket_dsn).returncode == Exit.FULL


def test_for_people(dsn: str) -> None:
    """The bar, the words, and who holds the connections."""
    done = pgtop("budget", dsn)
    assert done.returncode == Exit.DONE
    assert all(words in done.stdout for words in (" used, ", "BY DATABASE", "BY ROLE"))
    assert pgtop("budget", dsn, "--role", "postgres").stdout.startswith("role postgres: ")
