"""The man page is valid, complete, and in the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pgtop.cli.man_page import man_page
from pgtop.help import roff
from pgtop.help.markdown import parse
from pgtop.help.topics import TOPICS
from tests.readme import MAN_PAGE, ROOT


def source(markdown: str) -> list[str]:
    """Return the man page's source of a Markdown text, without its head."""
    return roff.man_page("pgtop", "0.1.0", "2026-11-30", parse(markdown)).splitlines()[
        4:
    ]


def test_each_topic_for_users_is_a_section() -> None:
    """Developers' topics are not in the man page."""
    sections = [
        line.removeprefix(".SH ").strip('"')
        for line in man_page().splitlines()
        if line.startswith(".SH")
    ]
    assert len(sections) == len([topic for topic in TOPICS if topic.in_man_page]) + len(
        ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO")
    )


def test_signs_of_roff_are_escaped() -> None:
    """Text that looks like a request, a minus, a quote or a backslash is shown as it is."""
    assert source("```\n.so x\n'a' -9 \\n\n```\n")[3:5] == [
        r"\&.so x",
        r"\(aqa\(aq \-9 \en",
    ]


def test_only_ascii_is_in_the_source() -> None:
    """Any `man` can read it, whatever its locale."""
    assert man_page().isascii()


@pytest.mark.system
def test_man_and_mandoc_have_no_complaint() -> None:
    """Neither groff nor mandoc warns about the page."""
    man = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(MAN_PAGE)]
    env = {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"}
    by_groff = subprocess.run(
        man,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        check=True,
    )
    assert by_groff.stderr == ""
    lint = subprocess.run(
        ["mandoc", "-Tlint", "-W", "warning", str(MAN_PAGE)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert lint.stdout == ""


@pytest.mark.system
def test_the_wheel_installs_the_man_page_and_the_topics(tmp_path: Path) -> None:
    """The wheel has the page where installers look for data, and each topic in the package."""
    checkout = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "pgtop", checkout / "pgtop", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, checkout)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(tmp_path),
        str(checkout),
    ]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".data/data/share/man/man1/pgtop.1") for name in names)
    assert {f"pgtop/help/topics/{topic.name}.md" for topic in TOPICS} <= set(names)
