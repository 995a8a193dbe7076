"""The wheels of pgtop and of all its libraries, for each Python that pgtop supports.

Compiled libraries have a wheel for each Python; their files have its version in their names, so
that one folder can hold them all.
"""

import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions, metadata
from pathlib import Path

from pgtop.packaging.project import (
    libraries,
    normalised,
    requirement,
    run_module,
)

_SUPPORTED = re.compile(r"Programming Language :: Python :: (3\.\d+)")
_FOR_ONE_PYTHON = re.compile(r"-cp3\d+-cp3\d+t?-[^-]+\.whl$")
_OWN_PYTHON = f"3.{sys.version_info.minor}"
_DATA = re.compile(r"[^/]+\.data/")


def collect(folder: Path) -> Sequence[Path]:
    """Put all wheels into a folder, and return their paths. Raises BuildError."""
    common = ("--quiet", "--disable-pip-version-check")
    run_module(
        "pip",
        "wheel",
        *common,
        "--prefer-binary",
        f"--wheel-dir={folder}",
        requirement(),
    )
    # On other machines the index has no compiled wheels: what was built here is for this Python.
    if "psycopg-binary" in libraries():
        pins = [_pin(path) for path in folder.iterdir() if _is_for_one_python(path)]
        for version in set(pythons()) - {_OWN_PYTHON}:
            run_module(
                "pip",
                "download",
                *common,
                "--no-deps",
                "--only-binary=:all:",
                f"--python-version={version}",
                f"--dest={folder}",
                *pins,
            )
    return sorted(folder.iterdir())


def pythons() -> Sequence[str]:
    """Return the versions of Python that pgtop supports, such as `3.11`."""
    classifiers = metadata("pgtop").get_all("Classifier") or []
    matches = map(_SUPPORTED.fullmatch, classifiers)
    return [match[1] for match in matches if match]


def usable_pythons(collected: Sequence[Path]) -> Sequence[str]:
    """Return the versions of Python that every compiled library among the wheels has one for."""
    tags: dict[str, set[str]] = {}
    for path in filter(_is_for_one_python, collected):
        name, _, tag, *_ = path.name.split("-")
        tags.setdefault(name, set()).add(tag)
    usable = set(pythons()).intersection(*map(_versions, tags.values()))
    return [version for version in pythons() if version in usable]


def _versions(tags: set[str]) -> set[str]:
    """Return the versions of tags such as `cp311`."""
    return {f"3.{tag.removeprefix('cp3')}" for tag in tags}


def read(wheel: Path) -> Distribution:
    """Return the metadata in a wheel."""
    [inside] = distributions(path=[str(wheel)])
    return inside


def by_name(wheels: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the wheels of each library."""
    groups: dict[str, list[Path]] = {}
    for wheel in wheels:
        groups.setdefault(normalised(_name(wheel)), []).append(wheel)
    return groups


def unpack(wheels: Sequence[Path], folder: Path) -> None:
    """Unpack all wheels into one folder, which Python can import from."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, _members(archive))


def _members(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield the names of what goes into the folder: no man page and no script."""
    for name in archive.namelist():
        if not _DATA.match(name):
            yield name


def _is_for_one_python(wheel: Path) -> bool:
    return _FOR_ONE_PYTHON.search(wheel.name) is not None


def _name(wheel: Path) -> str:
    return wheel.name.split("-")[0]


def _pin(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version}"
