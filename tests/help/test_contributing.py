"""The worked examples of the topic `contributing` are true: each is tried on a copy of pgtop."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pgtop.help import topics
from pgtop.help.markdown import CodeBlock, Heading, parse
from tests.readme import ROOT

_COLUMNS = re.compile(r"^COLUMNS\b.* = \($", re.MULTILINE)


def example(section: str) -> str:
    """Return the Python code of a section of the topic."""
    heading = ""
    for block in parse(topics.source("contributing")):
        if isinstance(block, Heading):
            heading = block.text
        if isinstance(block, CodeBlock) and block.language == "python" and heading == section:
            return "\n".join(block.lines) + "\n"
    raise LookupError(section)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of pgtop, which a test may change."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pgtop", tmp_path / "pgtop", ignore=ignored)
    return tmp_path


def run(folder: Path, *words: str) -> str:
    """Run Python in the folder; return what it prints."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_column_is_one_declaration(copy: Path, dsn: str) -> None:
    """The column of the example is shown, sorted by and documented."""
    file = copy / "pgtop/table/session_columns.py"
    source = file.read_text()
    declaration = example("Add a column")
    file.write_text(_COLUMNS.sub(rf"{declaration}\n\n\g<0>\n    _PORT,", source, count=1))
    shown = run(copy, "-m", "pgtop", "show", "--sort", "port", dsn)
    assert re.search(r"PORT.*\n.*\b(-1|\d+)\b", shown)
    assert "port that its client connects from" in run(copy, "-m", "pgtop", "help", "columns")
