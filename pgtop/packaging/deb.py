"""The package for Debian and Ubuntu: python3-pgtop, with the command pgtop.

Debian's Textual is too old for pgtop, so the package has its libraries in a folder of its own.
Debian's package pgtop is another program; its command is pg_top, and both can be installed.
"""

import gzip
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Final

import pgtop
from pgtop.packaging import wheels
from pgtop.packaging.project import HERE, PACKAGE, needed_glibc, run, run_module

_RECIPE: Final = HERE / "debian"
_NAME: Final = "python3-pgtop"
_COMPLETIONS: Final = {
    "bash": "usr/share/bash-completion/completions/pgtop",
    "zsh": "usr/share/zsh/vendor-completions/_pgtop",
    "fish": "usr/share/fish/vendor_completions.d/pgtop.fish",
}


def build(to: Path) -> Sequence[Path]:
    """Build the package in `to`; return its path. Raises BuildError."""
    with tempfile.TemporaryDirectory() as work:
        return [make(wheels.collect(Path(work)), to)]


def make(collected: Sequence[Path], to: Path) -> Path:
    """Make the package of these wheels; return its path. Raises BuildError."""
    architecture = _dpkg("dpkg", "--print-architecture").strip()
    path = to / f"{_NAME}_{pgtop.__version__}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as work:
        root = Path(work)
        root.chmod(0o755)
        wheels.unpack(collected, root / "usr" / "lib" / _NAME)
        _add_program(root)
        _add_papers(root)
        _add_control(root, architecture, wheels.usable_pythons(collected))
        _dpkg("dpkg-deb", "--root-owner-group", "-z1", "--build", work, str(path))
    return path


def _dpkg(*words: str) -> str:
    return run(
        words, "The package needs Debian's dpkg", "Build it on Debian or Ubuntu."
    )


def _add_program(root: Path) -> None:
    """Add the command, and its completion in three shells."""
    _copy(_RECIPE / "pgtop", root / "usr" / "bin" / "pgtop", mode=0o755)
    for shell, place in _COMPLETIONS.items():
        script = run_module("pgtop", "completion", shell)
        _write(root / place, script.encode())


def _add_papers(root: Path) -> None:
    """Add the man page and the licence, each in its Debian place."""
    man_page = (PACKAGE / "help" / "pgtop.1").read_bytes()
    packed = gzip.compress(man_page, mtime=0)
    _write(root / "usr" / "share" / "man" / "man1" / "pgtop.1.gz", packed)
    licence = (PACKAGE / "LICENSE").read_bytes()
    copyright_ = (_RECIPE / "copyright").read_bytes() + licence
    _write(root / "usr" / "share" / "doc" / _NAME / "copyright", copyright_)


def _add_control(root: Path, architecture: str, versions: Sequence[str]) -> None:
    """Add what dpkg reads: the fields of the package, and the scripts for byte code."""
    major, minor = versions[-1].split(".")
    template = Template((_RECIPE / "control").read_text())
    fields = template.substitute(
        version=pgtop.__version__,
        architecture=architecture,
        oldest_python=versions[0],
        too_new_python=f"{major}.{int(minor) + 1}",
        glibc=needed_glibc(root),
    )
    folder = root / "DEBIAN"
    _write(folder / "control", fields.encode())
    for script in ("postinst", "prerm"):
        _copy(_RECIPE / script, folder / script, mode=0o755)


def _copy(source: Path, place: Path, mode: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)
    place.chmod(mode)


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    place.chmod(0o644)
