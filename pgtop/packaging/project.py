"""Facts about pgtop that every package needs: version, platform, libraries and files."""

import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final, NamedTuple

import pgtop
from pgtop.errors import UsageError

PACKAGE: Final = Path(pgtop.__file__).parent
HERE: Final = Path(__file__).parent
CHECKOUT: Final = PACKAGE.parent
"""The folder of the project, if pgtop runs from a checkout."""
EXTRA: Final = "The extra `dist` of pgtop has all tools."

_SYMBOL = re.compile(rb"GLIBC_(\d+)\.(\d+)")


class BuildError(UsageError):
    """A package could not be built; the message has the reason and the next step."""


class Library(NamedTuple):
    """A library that pgtop needs, or pgtop itself."""

    distribution: Distribution
    needs: frozenset[str]
    """The names of the libraries that it needs itself."""


def run(words: Sequence[str], what: str, advice: str = "") -> str:
    """Run a tool and return what it prints. Raises BuildError with its last line."""
    try:
        process = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BuildError(f"{what}: {words[0]} is not installed.", advice) from error
    if process.returncode:
        lines = process.stderr.strip().splitlines() or ["no reason was given"]
        raise BuildError(f"{what}: {lines[-1]}", advice)
    return process.stdout


def run_module(module: str, *words: str) -> str:
    """Run a module of this Python. Raises BuildError."""
    command = [sys.executable, "-m", module, *words]
    return run(command, f"{module} failed", EXTRA)


def requirement() -> str:
    """Return what pip installs this pgtop from: the checkout, or else the index."""
    is_checkout = (CHECKOUT / "pyproject.toml").exists()
    return str(CHECKOUT) if is_checkout else f"pgtop=={pgtop.__version__}"


def title() -> str:
    """Return the name of packages for this machine, such as `pgtop-0.1.0-linux-x86_64`."""
    system = platform.system().lower()
    return f"pgtop-{pgtop.__version__}-{system}-{platform.machine()}"


def libraries(
    find: Callable[[str], Distribution] = distribution,
) -> Mapping[str, Library]:
    """Return all that pgtop needs at run time, by normalised name, itself included."""
    needed: dict[str, Library] = {}
    pending = [("pgtop", frozenset[str]())]
    for name, extras in pending:
        library = find(name)
        wanted = [*_requirements(library, extras)]
        needs = frozenset(normalised(each) for each, _ in wanted)
        needed[normalised(name)] = Library(library, needs)
        pending += [each for each in wanted if each not in pending]
    return needed


def normalised(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503


def _requirements(
    library: Distribution, extras: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the name and the extras of each library that this one needs on this machine."""
    from packaging.requirements import Requirement

    for line in library.requires or []:
        required = Requirement(line)
        environments = [{"extra": extra} for extra in ("", *extras)]
        marker = required.marker
        if marker is None or any(map(marker.evaluate, environments)):
            yield required.name, frozenset(required.extras)


def needed_glibc(folder: Path) -> str:
    """Return the version of the C library that the programs in a folder need, such as `2.35`; ""
    if there is no program.
    """
    programs = filter(_is_program, folder.rglob("*"))
    versions = {(0, 0)}
    for program in programs:
        symbols = _SYMBOL.findall(program.read_bytes())
        versions |= {(int(major), int(minor)) for major, minor in symbols}
    major, minor = max(versions)
    return f"{major}.{minor}" if major else ""


def _is_program(path: Path) -> bool:
    is_file = path.is_file() and not path.is_symlink()
    return is_file and path.open("rb").read(4) == b"\x7fELF"
