"""psycopg is imported by its parts, and whole once more is used."""

import subprocess
import sys

_PARTS = """
import sys
from pgtop.psycopg_parts import use_parts
use_parts()
use_parts()
import psycopg
from psycopg.errors import QueryCanceled
assert issubclass(QueryCanceled, psycopg.OperationalError)
assert "psycopg.connection" not in sys.modules
"""


def run(program: str) -> str:
    """Run a program in a Python of its own; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return done.stdout


def test_parts_are_submodules() -> None:
    """A submodule that was not imported is one attribute away, and loads nothing else."""
    program = "print(psycopg.pq.version() > 0, psycopg.rows.__name__)\n"
    end = "print('psycopg.connection' in sys.modules)"
    assert run(_PARTS + program + end).split() == ["True", "psycopg.rows", "False"]


def test_more_than_parts_is_the_whole() -> None:
    """Any other attribute loads the whole package; errors in use stay the same classes."""
    program = """
error = psycopg.OperationalError
from psycopg import AsyncConnection, connect, sql
assert psycopg.AsyncConnection is AsyncConnection
assert error is psycopg.OperationalError is AsyncConnection.OperationalError
try:
    connect("host=/nowhere connect_timeout=2")
except error:
    print(psycopg.__version__.partition(".")[0])
"""
    assert run(_PARTS + program).split() == ["3"]


def test_an_unknown_name_is_an_error() -> None:
    """A name that psycopg lacks is an AttributeError, as ever."""
    program = "print(hasattr(psycopg, 'no_such'), hasattr(psycopg, '__no_such__'))"
    assert run(_PARTS + program).split() == ["False", "False"]


def test_an_imported_psycopg_stays() -> None:
    """After the whole package was imported, nothing changes."""
    program = """
import sys, psycopg
from pgtop.psycopg_parts import use_parts
before = list(sys.meta_path)
use_parts()
print(sys.meta_path == before, psycopg.connect is not None)
"""
    assert run(program).split() == ["True", "True"]
