"""The bundle: pgtop with an interpreter inside, for a machine that has nothing."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from pgtop.packaging import bundle
from pgtop.packaging.project import BuildError
from tests.packaging.bare_root import inside, make_bare_root
from tests.packaging.steps import end_a_session, look_around
from tests.pty import Terminal

pytestmark = pytest.mark.system

_MOST_BYTES = 60_000_000
_ALL_IMPORTS = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
for name in set(sys.modules) - before:
    if "site-packages" in (getattr(sys.modules[name], "__file__", None) or ""):
        print(name)
"""


@pytest.fixture(scope="module")
def bare_root(bundle_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the tar into a root with the C library alone."""
    folder = tmp_path_factory.mktemp("bare")
    with tarfile.open(bundle_tar) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    [program] = (folder / "unpacked").iterdir()
    make_bare_root(folder / "root", program)
    return folder / "root"


def test_the_bundle_has_all_that_is_loaded_late(bundle_folder: Path) -> None:
    """Screens, commands and probes are loaded by their names, which no analysis sees."""
    from PyInstaller.archive.readers import CArchiveReader

    program = CArchiveReader(str(bundle_folder / "pgtop"))
    packed = set(program.open_embedded_archive("PYZ.pyz").toc)
    reachable = set(bundle.modules())
    assert reachable <= packed
    command = [sys.executable, "-c", _ALL_IMPORTS, *reachable, "pygments.lexers.sql"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    lacking = set(loaded.stdout.split()) - packed
    assert not [
        name for name in lacking if not _is_compiled(name, bundle_folder / "lib")
    ]


def _is_compiled(module: str, folder: Path) -> bool:
    return any(folder.glob(f"{module.replace('.', '/')}.*so"))


def test_the_bundle_is_small(bundle_tar: Path) -> None:
    assert bundle_tar.stat().st_size < _MOST_BYTES


def test_the_bundle_needs_nothing_but_the_c_library(
    bare_root: Path, cluster: Cluster
) -> None:
    """On a read-only root without locale, home or terminfo it ends a session."""
    end_a_session(inside(bare_root, "/opt/pgtop"), cluster)


def test_each_view_of_the_bundle_opens(bare_root: Path, cluster: Cluster) -> None:
    look_around(inside(bare_root, "/opt/pgtop"), cluster)


def test_programs_that_the_bundle_starts_use_the_systems_libraries(
    bundle_folder: Path,
) -> None:
    """The bootloader changes LD_LIBRARY_PATH: a pager sees the user's own again."""
    environment = {"PAGER": "env", "LD_LIBRARY_PATH": "/opt/own"}
    with Terminal(
        [f"{bundle_folder}/pgtop", "help", "json"], lines=200, environment=environment
    ) as terminal:
        terminal.wait_for_exit()
        assert "LD_LIBRARY_PATH=/opt/own" in terminal.text


def test_the_demo_is_left_out_in_one_sentence(bundle_folder: Path) -> None:
    done = subprocess.run(
        [bundle_folder / "pgtop", "demo"], capture_output=True, text=True, check=False
    )
    assert done.stderr == "pgtop: The bundle has no demo. Try it with pgtop from pip.\n"


def test_a_python_without_shared_library_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from PyInstaller.depend import bindepend

    monkeypatch.setattr(bindepend, "get_python_library_path", lambda: None)
    with pytest.raises(BuildError, match="has no shared library") as caught:
        bundle.build_folder(tmp_path)
    assert "--enable-shared" in caught.value.advice
