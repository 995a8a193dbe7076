"""README is short, and what it shows is true."""

import re
import tomllib

import pytest

from pgtop.cli.reference import key_of
from pgtop.packaging.__main__ import KINDS
from tests.readme import README, ROOT, generated

_IN_EMERGENCIES = (
    "show_breakdown", "show_locks", "open", "terminate", "cancel", "only_idle", "confirm",
    "follow",
)  # fmt: skip
_LETTERS = {"A", "W", "T", "R"}
"""Letters of the bar; `i` is one, too, and a key."""
_IMAGE = re.compile(r"!\[[^]]*\]\(([^)]+)\)")


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_generated_parts_are_up_to_date(path: object) -> None:
    """Keys, roles and man page are those of the code: `python -m tests.readme` writes them."""
    texts = generated()
    differing = [
        each.name for each in texts if each == path and each.read_text() != texts[each]
    ]
    assert differing == [], "`python -m tests.readme` writes it"


def test_readme_is_short() -> None:
    """README has fewer than 165 lines; the rest is in the topics."""
    assert len(README.read_text().splitlines()) < 165


def test_images_exist() -> None:
    """Each image in README is a file, and has the address of the repository if one is known."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get(
        "urls", {}
    )
    repository = urls.get("Repository")
    images = _IMAGE.findall(README.read_text())
    assert len(images) >= 3
    for image in images:
        assert (ROOT / "screenshots" / image.rpartition("/")[2]).is_file()
        assert (
            image.startswith("https://")
            if repository
            else image.startswith("screenshots/")
        )


def test_readme_names_the_keys_of_the_registry() -> None:
    """The emergencies name the keys that do what they say, and no other."""
    emergencies = (
        README.read_text().partition("## Three emergencies")[2].partition("\n## ")[0]
    )
    keys = {key_of(action) for action in _IN_EMERGENCIES}
    spans = set(re.findall(r"`(\w|Enter)`", emergencies))
    assert spans - _LETTERS == keys


def test_the_test_line_is_marked() -> None:
    """`.ci/run` finds the command that runs the tests."""
    marked = README.read_text().partition("<!-- test line -->\n```sh\n")[2]
    assert "pytest" in marked.partition("```")[0]


def test_each_way_to_install_exists() -> None:
    """README names every package that can be built; `tests/packaging` installs each."""
    install = README.read_text().partition("## Install")[2].partition("\n## ")[0]
    kinds = re.findall(r"^\| [^|]+ \| `(\w+)` \|", install, re.MULTILINE)
    assert set(kinds) == KINDS.keys()
    [dockerfile] = re.findall(r"-f (\S+) ", install)
    assert (ROOT / dockerfile).is_file()
