"""The man page is valid and complete."""

import subprocess

import pytest

from pgtop.cli.man_page import man_page
from pgtop.help import roff
from pgtop.help.markdown import parse
from pgtop.help.topics import TOPICS
from tests.readme import MAN_PAGE


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
