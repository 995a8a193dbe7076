"""The wheel and the source distribution that are published of pgtop."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pgtop.help.topics import TOPICS
from tests.readme import ROOT

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both; the wheel is made from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run("build", "--outdir", str(folder), str(ROOT))
    return folder


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)


def _one(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def _wheel_names(folder: Path) -> set[str]:
    return set(zipfile.ZipFile(_one(folder, "*.whl")).namelist())


def test_an_index_takes_both(distributions: Path) -> None:
    """The description renders, and the wheel has nothing that it should not have."""
    files = [str(path) for path in distributions.iterdir()]
    _run("twine", "check", "--strict", *files)
    _run("check_wheel_contents", str(_one(distributions, "*.whl")))


def test_the_wheel_has_man_page_topics_and_licence(distributions: Path) -> None:
    """Installers find the man page, and the licence goes with the package."""
    names = _wheel_names(distributions)
    assert any(name.endswith(".data/data/share/man/man1/pgtop.1") for name in names)
    assert {f"pgtop/help/topics/{topic.name}.md" for topic in TOPICS} <= names
    assert {"pgtop/LICENSE", "pgtop/py.typed", "pgtop/tui/pgtop.tcss"} <= names


def test_the_source_distribution_can_be_tested(distributions: Path) -> None:
    """Tests, their helpers and screenshots are in it; nothing of a checkout's caches is."""
    with tarfile.open(_one(distributions, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "tests/conftest.py", "tests/pty.py"} <= names
    assert any(name.startswith("screenshots/") for name in names)
    assert any(name.startswith("tests/tui/__snapshots__/") for name in names)
    assert not [name for name in names if name.startswith((".cache", ".venv"))]
