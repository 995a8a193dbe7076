"""Facts about pgtop that every package needs: version, platform, libraries and files."""

import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

import pgtop
from pgtop.errors import UsageError

PACKAGE: Final = Path(pgtop.__file__).parent
HERE: Final = Path(__file__).parent
CHECKOUT: Final = PACKAGE.parent
"""The folder of the project, if pgtop runs from a checkout."""

EXTRA: Final = "The extra `dist` of pgtop has all tools."


class BuildError(UsageError):
    """A package could not be built; the message has the reason and the next step."""


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


def machine() -> str:
    """Return the system and the processor, such as `linux-x86_64`."""
    return f"{platform.system()}-{platform.machine()}".lower()


def python_tag() -> str:
    """Return the tag of this Python, such as `cp311`."""
    major, minor = sys.version_info[:2]
    return f"cp{major}{minor}"


def libraries() -> dict[str, Distribution]:
    """Return all that pgtop needs at run time, by normalised name, itself included."""
    needed: dict[str, Distribution] = {}
    pending = [("pgtop", frozenset[str]())]
    for name, extras in pending:
        library = distribution(name)
        needed[normalised(name)] = library
        wanted = _requirements(library, extras)
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
