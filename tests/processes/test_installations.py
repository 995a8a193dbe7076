"""pgtop as users install it: as one file, on pure-Python psycopg, and with a library missing."""

import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import pgtop
from pgtop.cli.exit_codes import Check, Exit
from pgtop.demo.server import Cluster
from tests.cli import PGTOP, one_sentence
from tests.cli import pgtop as run
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.readme import ROOT

_WITHOUT_LIBPQ = """
import ctypes.util
import sys
ctypes.util.find_library = lambda name: None
from pgtop.__main__ import main
sys.exit(main())
"""
_BUG = """
import sys
import pgtop.cli.main
pgtop.cli.main.parse = None
from pgtop.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a zip file of pgtop; its libraries stay installed, as two of them are compiled."""
    folder = tmp_path_factory.mktemp("zip")
    package = Path(pgtop.__file__).parent
    shutil.copytree(
        package, folder / "app" / "pgtop", ignore=shutil.ignore_patterns("__pycache__")
    )
    zipapp.create_archive(
        folder / "app", folder / "pgtop.pyz", main="pgtop.__main__:main"
    )
    return str(folder / "pgtop.pyz")


def test_one_file_does_it_all(one_file: str, server: Cluster, tmp_path: Path) -> None:
    """A zipapp prints a sample and shows the dashboard with its styles and help."""
    version = subprocess.run(
        [sys.executable, one_file, "--version"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert version.stdout.startswith(b"pgtop ")
    topic = subprocess.run(
        [sys.executable, one_file, "help", "json"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert topic.stdout.startswith(b"JSON\n")
    shown = subprocess.run(
        [sys.executable, one_file, "show", server.socket_dsn],
        capture_output=True,
        check=True,
    )
    assert b"PostgreSQL" in shown.stdout
    with Terminal([sys.executable, one_file, server.socket_dsn]) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("help"))
        terminal.wait_for("finds a key")
        terminal.send(typed("clear", "quit"))
        assert terminal.wait_for_exit() == 0


@pytest.mark.system
def test_psycopg_in_pure_python_is_enough(server: Cluster) -> None:
    """Without wheels psycopg finds the system's libpq, and takes ten times as long."""
    environment = {"PSYCOPG_IMPL": "python"}
    done = run("show", "--json", server.socket_dsn, environment=environment)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    with Terminal([*PGTOP, server.socket_dsn], environment=environment) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_a_missing_library_is_named() -> None:
    """A missing library is not a bug in pgtop; for a monitoring check it is UNKNOWN."""
    for words, code in (
        (["show"], Exit.USAGE),
        (["kill", "1"], Exit.USAGE),
        (["budget", "--warn", "80"], Check.UNKNOWN),
    ):
        done = run(*words, environment={"PSYCOPG_IMPL": "c"})
        output = done.stdout if code is Check.UNKNOWN else one_sentence(done.stderr)
        assert (done.returncode, "psycopg_c" in output) == (code, True)


def test_a_missing_libpq_is_one_sentence() -> None:
    """Psycopg in pure Python needs the system's libpq; pgtop names the packages that have it."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_LIBPQ, "show"],
        env={"PSYCOPG_IMPL": "python", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "Install the system's package (libpq5 in" in one_sentence(done.stderr)


@pytest.mark.parametrize(
    ("words", "code", "output"),
    [
        (["show"], Exit.BUG, ""),
        (["budget", "--crit", "9"], Check.UNKNOWN, "PGTOP UNKNOWN - a bug in pgtop"),
    ],
)
def test_a_bug_anywhere_in_a_check_is_unknown(
    words: list[str], code: int, output: str, tmp_path: Path
) -> None:
    """A bug before the command begins counts, too: 1 would be a warning to the monitoring."""
    environment = {
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", _BUG, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.startswith(output)
    assert "This is a bug in pgtop" in one_sentence(done.stderr)
