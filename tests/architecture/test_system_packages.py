"""The packages of the tests that need Debian: `.ci/run` installs those that pyproject names."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_IMPLIED = {"openssh-client"}
"""Packages that come with another one that is named."""


def test_the_named_packages_are_installed() -> None:
    """A package that one of the two lists lacks would be missed on the next machine."""
    script = (ROOT / ".ci" / "run").read_text()
    listed = re.findall(r"^packages=\(([^)]*)\)", script, re.MULTILINE)
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    markers: list[str] = config["tool"]["pytest"]["ini_options"]["markers"]
    (words,) = [each for each in markers if each.startswith("system:")]
    names = re.fullmatch(r"system: needs Debian's (.*), which \.ci/run installs", words)
    assert names is not None
    named = set(re.split(r", | and ", names[1]))
    assert [set(each.split()) - _IMPLIED for each in listed] == [named]
