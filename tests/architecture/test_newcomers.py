"""The tasks of a newcomer, and how many source files each touches. Each is done on a copy of pgtop.

| task | source files | tried by |
| --- | --- | --- |
| a new column | 1 | test_a_column_is_one_declaration |
| a new server field in a column | 3 | test_a_server_field_in_a_column_touches_three_files |
| a view with its own probe | 3 new | test_a_view_with_its_own_probe_is_three_files |
| a changed key | 1 | test_a_changed_key_touches_one_file |
| a changed key of a view | 1 | test_a_changed_key_of_a_view_touches_one_file |
| a new option | 1 or 2 | test_new_option.py |
| a new protected kind | 1 | test_a_protected_kind_touches_one_file |
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.architecture.rules import ROOT

Edits = Mapping[str, Iterable[tuple[str, str]]]
"""The replacements in each source file."""


def output_of(folder: Path, edits: Edits, program: str, *words: str) -> str:
    """Return what a program prints with a copy of pgtop that has been changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pgtop", folder / "pgtop", ignore=ignored)
    for name, replacements in edits.items():
        path = folder / name
        source = path.read_text()
        for old, new in replacements:
            assert source.count(old) == 1, old
            source = source.replace(old, new)
        path.write_text(source)
    run = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    return run.stdout


_KEYS = """
import asyncio, sys

from pgtop.cli.reference import keys
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens.locks import LocksScreen
from tests.scenes import busy
from tests.tui.apps import Stage, text_of

async def main():
    stage = Stage(busy())
    async with stage.app.run_test(size=(120, 24)) as pilot:
        print(text_of(stage, "#keys"))
        await pilot.press(sys.argv[1])
        await pilot.pause()
        print(type(stage.app.screen).__name__)
    print(keys())

asyncio.run(main())
"""


def test_a_changed_key_touches_one_file(tmp_path: Path) -> None:
    edits = {"pgtop/actions/signals.py": [('        ("K",),\n', '        ("X",),\n')]}
    output = output_of(tmp_path, edits, _KEYS, "X")
    assert "X kill" in output
    assert "ConfirmScreen" in output
    assert "| `X` | terminate the session" in output
    assert "`K`" not in output


def test_a_changed_key_of_a_view_touches_one_file(tmp_path: Path) -> None:
    edits = {"pgtop/view_registry.py": [('key="3"', 'key="9"')]}
    output = output_of(tmp_path, edits, _KEYS, "9")
    assert "9 locks" in output
    assert "LocksScreen" in output
    assert "| `9` | who blocks whom" in output


def test_a_server_field_in_a_column_touches_three_files(
    tmp_path: Path, dsn: str
) -> None:
    """The field is read in the statement, kept in the model and shown by the column."""
    edits = {
        "pgtop/model/backend.py": [
            ("    blocked_by: tuple[int, ...] = ()\n",
                "    blocked_by: tuple[int, ...] = ()\n    ssl: int | None = None\n"),
        ],
        "pgtop/sources/postgres/probes/activity.py": [
            ("backend_xid, backend_xmin, {query_id},\n",
                "backend_xid, backend_xmin, {query_id}, ssl::int4 AS ssl,\n"),
            ("backend_type, blockers,\n", "backend_type, blockers, ssl,\n"),
            ("    PIDS.or_null,  # blockers\n",
                "    PIDS.or_null,  # blockers\n    INT4.or_null,  # ssl\n"),
            ("kind, blockers, *_,\n", "kind, blockers, ssl, *_,\n"),
            ("        names[kind],\n        blocked_by,\n",
                "        names[kind],\n        blocked_by,\n        ssl,\n"),
        ],
        "pgtop/table/session_columns.py": [
            (
                "\nCOLUMNS",
                "\n_SSL = Column('ssl', 'SSL', 'encrypted', 4, 20,\n"
                "    key=lambda backend, _: backend.ssl, text=lambda backend, _: "
                "str(backend.ssl))\n\nCOLUMNS",
            ),
            ("    _PID,\n", "    _PID,\n    _SSL,\n"),
        ],
    }  # fmt: skip
    program = "import sys; from pgtop.cli.main import run; run(sys.argv[1:])"
    output = output_of(tmp_path, edits, program, "show", "--sort", "ssl", dsn)
    assert re.search(r"PID SSL.*\n *\d+ 0 ", output)


_PROTECTION = """
from pgtop.signalling.protection import protection
from tests.scenes import busy

snapshot = busy()
print(*(protection(snapshot.server, backend) for backend in snapshot.backends), sep="\\n")
"""


def test_a_protected_kind_touches_one_file(tmp_path: Path) -> None:
    """Dialog, list and command line ask `protection`, which tries the new rule, too."""
    rule = """
def _psql(_: Server, backend: Backend) -> str:
    return "a user types in it" if backend.application_name == "psql" else ""


_RULES: """
    edits = {
        "pgtop/signalling/protection.py": [
            ("\n_RULES: ", rule),
            ("    _own_session,\n", "    _own_session,\n    _psql,\n"),
        ]
    }
    assert "a user types in it" in output_of(tmp_path, edits, _PROTECTION)
