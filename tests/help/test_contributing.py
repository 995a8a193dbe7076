"""The worked examples of the topic `contributing` are true: each is tried on a copy of pgtop."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pgtop.help import topics
from pgtop.help.markdown import CodeBlock, Heading, parse
from tests.keys import typed
from tests.pty import Terminal
from tests.readme import ROOT

_COLUMNS = re.compile(r"^COLUMNS\b.* = .*\($", re.MULTILINE)
_PROBES = re.compile(r"^PROBES\b.* = \(", re.MULTILINE)
_END_OF_VIEWS = re.compile(r"(?s)(^VIEWS\b.*?)(^\)$)", re.MULTILINE)
_IMPORT = "from pgtop.sources.postgres.probes.sizes import SizeProbe"


def examples(section: str) -> list[str]:
    """Return the blocks of Python code in a section of the topic."""
    heading = ""
    blocks = []
    for block in parse(topics.source("contributing")):
        if isinstance(block, Heading):
            heading = block.text
        if (
            isinstance(block, CodeBlock)
            and block.language == "python"
            and heading == section
        ):
            blocks.append("\n".join(block.lines) + "\n")
    return blocks


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of pgtop, which a test may change."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pgtop", tmp_path / "pgtop", ignore=ignored)
    return tmp_path


def change(file: Path, pattern: re.Pattern[str], replacement: str) -> None:
    """Replace the one match of a pattern in a file."""
    source, count = pattern.subn(replacement, file.read_text())
    assert count == 1
    file.write_text(source)


def environment(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "", "XDG_STATE_HOME": str(folder)}


def run(folder: Path, *words: str) -> str:
    """Run Python in the folder; return what it prints."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_column_is_one_declaration(copy: Path, dsn: str) -> None:
    """The column of the example is shown, sorted by and documented."""
    [declaration] = examples("Add a column")
    file = copy / _file_of_columns()
    change(file, _COLUMNS, rf"{declaration}\n\n\g<0>\n    _PORT,")
    shown = run(copy, "-m", "pgtop", "show", "--sort", "port", dsn)
    assert re.search(r"PORT.*\n.*\b(-1|\d+)\b", shown)
    assert "port that its client connects from" in run(
        copy, "-m", "pgtop", "help", "columns"
    )


def _file_of_columns() -> str:
    """Return the module that the topic names."""
    section = topics.source("contributing").partition("## Add a column")[2]
    file = re.search(r"`(pgtop/\S+\.py)`", section)
    assert file is not None
    return file[1]


def test_a_view_with_its_own_probe_is_three_files(copy: Path, dsn: str) -> None:
    """The view of the example opens with its key, shows the section, and is in the help."""
    facts, probe = examples("Add a probe")
    screen, registration = examples("Add a view")
    package = copy / "pgtop"
    probes = package / "sources/postgres/probes"
    (package / "model/sizes.py").write_text(facts)
    (package / "tui/screens/sizes.py").write_text(screen)
    (probes / "sizes.py").write_text(probe)
    change(probes / "__init__.py", _PROBES, rf"{_IMPORT}\n\n\g<0>SizeProbe(),")
    view = textwrap.indent(registration.strip(), "    ")
    change(package / "view_registry.py", _END_OF_VIEWS, rf"\g<1>{view},\n\g<2>")
    with Terminal(
        [sys.executable, "-P", "-m", "pgtop", dsn],
        columns=120,
        lines=50,
        environment=environment(copy),
    ) as terminal:
        terminal.wait_for("9 Sizes")
        terminal.send("9")
        terminal.wait_for("template1")
        assert "largest first" in terminal.text
        terminal.send(typed("help"))
        terminal.wait_for("databases and their sizes")
        terminal.send(typed("clear", "quit"))
        assert terminal.wait_for_exit() == 0
