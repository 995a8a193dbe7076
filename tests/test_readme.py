"""README says what the program does."""

import re
import subprocess
import sys
from pathlib import Path

from pgtop.cli.args.options import parsers
from tests.readme import README, sections, with_sections

_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


def test_generated_sections_are_up_to_date() -> None:
    """Keys, filter language, columns and exit codes are those of the code (python -m tests.readme writes them)."""
    text = README.read_text()
    assert all(f"<!-- {name} -->" in text for name in sections())
    assert with_sections(text) == text


def test_every_option_is_documented() -> None:
    """Each long option of the commands is named in README, and each option in README exists."""
    text = README.read_text()
    offered: set[str] = set()
    for command in ([name] if name else [] for name in parsers()):
        done = subprocess.run(
            [sys.executable, "-m", "pgtop", *command, "--help"], capture_output=True, text=True, check=True
        )
        offered |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", done.stdout))
    body = text.partition("## Development")[0]
    assert offered <= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", body))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", body)) <= offered


def test_pictures_exist() -> None:
    """Every picture that README shows is there."""
    pictures = re.findall(r"\((screenshots/[\w.]+)\)", README.read_text())
    assert len(pictures) >= 3
    assert all((README.parent / picture).is_file() for picture in pictures)


def test_each_promise_names_tests_that_exist() -> None:
    """Every promise under Safety ends with the names of the tests that hold it, and there are such tests."""
    _, _, safety = README.read_text().partition("\n## Safety\n")
    promises = safety.partition("\n## ")[0].split("\n- ")[1:]
    there = {name for file in Path(__file__).parent.rglob("test_*.py") for name in _TEST.findall(file.read_text())}
    assert len(promises) > 10
    for promise in promises:
        named = set(re.findall(r"`(test_\w+)`", promise))
        assert named, promise
        assert named <= there
