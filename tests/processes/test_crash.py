"""A bug in pgtop itself: the terminal is restored, and the report contains no secret."""

import re
import sys
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.processes.crashing import PASSWORD, PLACES, QUERY
from tests.processes.exit_checks import check_gone
from tests.pty import Terminal


@pytest.mark.parametrize("place", PLACES)
def test_a_crash_leaves_a_report_and_the_terminal(
    place: str, server: Cluster, tmp_path: Path
) -> None:
    """A bug in a handler or a worker, in drawing, in the reader's or the writer's thread ends in
    code 1 and a report.
    """
    uri = f"postgresql://postgres:{PASSWORD}@/postgres?host={server.folder}&port={server.port}"
    command = [sys.executable, "-m", "tests.processes.crashing", place, uri]
    with Terminal(
        command, columns=200, environment={"XDG_STATE_HOME": str(tmp_path)}
    ) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("pause"))
        assert terminal.wait_for_exit() == 1
        assert terminal.restored
        output = terminal.raw.decode()
    check_gone(server)
    [report] = (tmp_path / "pgtop").iterdir()
    assert report.stat().st_mode & 0o777 == 0o600
    assert str(report) in output
    text = report.read_text()
    _check_discretion(text + output.partition("This is a bug")[2])
    assert re.search(
        r"^ValueError\n(  .+:\d+ \S+\n)+\nKeyError\n(  .+:\d+ \S+\n)+",
        text,
        re.MULTILINE,
    )
    for word in (
        "pgtop 0",
        "Python 3",
        "textual 8",
        "psycopg 3",
        "libpq",
        "TERM=xterm-256color",
        "server 1",
        "primary",
    ):
        assert word in text


def test_a_report_that_cannot_be_written_is_printed(
    server: Cluster, tmp_path: Path
) -> None:
    """If the folder cannot be made, the report goes to the terminal, without secrets."""
    (tmp_path / "pgtop").write_text("in the way")
    command = [
        sys.executable,
        "-m",
        "tests.processes.crashing",
        "handler",
        server.socket_dsn,
    ]
    with Terminal(
        command, columns=200, environment={"XDG_STATE_HOME": str(tmp_path)}
    ) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("pause"))
        assert terminal.wait_for_exit() == 1
        output = terminal.raw.decode().partition("This is a bug")[2]
    assert "_bug" in output
    _check_discretion(output)


def _check_discretion(text: str) -> None:
    for secret in (PASSWORD, QUERY, "secret", str(Path.home())):
        assert secret not in text
