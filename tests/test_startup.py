"""The start loads only the modules that it needs."""

import subprocess
import sys

import pytest

from pgtop.startup import LATE
from tests.waiting import PATIENCE

_OF_WHOLE_PSYCOPG = {"psycopg.connection", "psycopg.types.json", "importlib.metadata"}


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], {"psycopg", "textual", "rich", "asyncio"}),
        (["--version"], {"psycopg", "textual", "rich", "asyncio"}),
        (["--no-such-option"], {"psycopg", "textual", "rich", "asyncio"}),
        (["show"], {"textual", "rich"}),
        (["show", "--json"], {"textual", "rich"}),
        (["show", "--csv"], {"textual", "rich"}),
        (
            ["kill", "1", "--dry-run", "--help"],
            {"psycopg", "textual", "rich", "asyncio"},
        ),
        (["kill", "1", "--dry-run", "-p", "1"], {"textual", "rich"}),
        (["budget", "-p", "1"], {"textual", "rich"}),
        (["audit"], {"psycopg", "textual", "rich"}),
        (["completion", "bash"], {"psycopg", "textual", "rich", "asyncio"}),
    ],
)
def test_heavy_modules_load_late(
    words: list[str], unwanted: set[str], dsn: str
) -> None:
    """Help loads neither driver nor screen, and `show` never loads the screen."""
    program = (
        "import sys; from pgtop.__main__ import main; main();"
        "sys.stderr.write('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    call = [sys.executable, "-c", program, *words, *([dsn] if "show" in words else [])]
    done = subprocess.run(
        call, capture_output=True, timeout=PATIENCE, check=False, encoding="utf-8"
    )
    loaded = set(done.stderr.rpartition("\n")[2].split())
    assert "pgtop" in loaded
    assert not loaded & unwanted


def test_the_dashboard_starts_without_the_modules_of_rare_cases() -> None:
    """Above all without ssl, which takes 4 MB: libpq does TLS itself."""
    program = (
        "import sys; from pgtop.cli import interrupts; interrupts.guard()\n"
        "from pgtop import psycopg_parts, startup\n"
        "psycopg_parts.use_parts()\n"
        "with startup.without_ssl():\n from pgtop.cli import compose\n"
        "startup.load_screen(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    loaded = set(done.stdout.split())
    assert "pgtop.tui.app" in loaded
    assert not loaded & {*LATE, *_OF_WHOLE_PSYCOPG, "_ssl", "hashlib", "_hashlib"}
