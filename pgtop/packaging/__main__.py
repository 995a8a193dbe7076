"""`python -m pgtop.packaging KIND [FOLDER]`: build a package of pgtop, and print where it is."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pgtop.cli import output
from pgtop.cli.exit_codes import Exit, exit_of
from pgtop.errors import PgtopError, UsageError
from pgtop.packaging import bundle, deb, wheelhouse, zipapp
from pgtop.packaging.project import EXTRA, BuildError, needed_glibc

KINDS: Final[Mapping[str, Callable[[Path], Sequence[Path]]]] = {
    "bundle": bundle.build,
    "zipapp": zipapp.build,
    "wheelhouse": wheelhouse.build,
    "deb": deb.build,
}
_USAGE: Final = f"Usage: python -m pgtop.packaging {'|'.join(KINDS)} [FOLDER]"


def main(words: Sequence[str]) -> int:
    """Build the package in the folder, usually `dist`; return the exit code."""
    try:
        paths = _build(*words)
    except PgtopError as error:
        output.report(error.what, error.advice)
        return exit_of(error)
    output.write("".join(map(_line, paths)))
    return Exit.DONE


def _build(kind: str = "", folder: str = "dist", *others: str) -> Sequence[Path]:
    if kind not in KINDS or others:
        raise UsageError(_USAGE)
    to = Path(folder).absolute()
    to.mkdir(parents=True, exist_ok=True)
    try:
        return KINDS[kind](to)
    except ImportError as error:
        raise BuildError(f"{error.name} is not installed.", EXTRA) from error


def _line(path: Path) -> str:
    megabytes = _size(path) / 1e6
    glibc = needed_glibc(path)
    note = f" (needs glibc {glibc} or newer)" if glibc else ""
    return f"{megabytes:7.1f} MB  {path}{note}\n"


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files: Iterable[Path] = path.rglob("*") if path.is_dir() else (path,)
    return sum(each.lstat().st_size for each in files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
