"""The report of a bug in pgtop: what helps to mend it, and nothing that its user would not show to
a stranger.

No exception's own words, no values and no source text: those hold passwords, queries and names.
"""

import errno
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pgtop.cli import output

_OURS = "pgtop: "
"""Marks the notes on an exception that are ours, and so fit to be shown."""
_TERMINAL = ("TERM", "COLORTERM", "TERM_PROGRAM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR")
_LIBRARIES = ("psycopg", "textual", "rich")


def catch_bugs(code_after: Callable[[], int] = lambda: 1) -> None:
    """Report what escapes from any thread from now on. Out of the main one Python then exits with
    `code_after()`.
    """

    def report_and_exit(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            report_bug(kind, error, trace)
        finally:  # also where the report fails
            raise SystemExit(code_after())

    sys.excepthook = report_and_exit
    threading.excepthook = lambda failed: report_bug(
        failed.exc_type, failed.exc_value, failed.exc_traceback
    )


@contextmanager
def noted(words: str) -> Iterator[None]:
    """A bug that escapes from here is reported with these words, which hold nothing secret."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{_OURS}{words}")
        raise


def report_bug(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Write the report to a file that only this user can read, and say where; on stderr, if that
    cannot be.
    """
    whole = "\n".join([*_surroundings(), *_notes(error), *_story(kind, error, trace)]) + "\n"
    where = f"This is a bug in pgtop ({_name(kind)})"
    try:
        path = _written(whole)
    except OSError as refused:
        output.report(f"{where}, and no report could be written: {refused.strerror}")
        for line in whole.splitlines():
            output.report(line)
    else:
        output.report(
            where, f"Please report it with {path}, which holds no password, no query and no name."
        )


def _written(text: str) -> Path:
    from datetime import UTC, datetime

    from pgtop import files

    folder = files.user_folder("state")
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, "there is no home folder")
    files.make_private(folder)
    path = folder / f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(file, "w", encoding="utf-8", errors="replace") as report:
        report.write(text)
    return path


def _surroundings() -> Iterator[str]:
    """Versions and terminal."""
    import platform

    from pgtop import __version__

    yield f"pgtop {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(_versions()) or "no library loaded"
    given = [f"{name}={os.environ[name]}" for name in _TERMINAL if name in os.environ]
    yield f"terminal: {' '.join(given)} {_size()}"


def _versions() -> Iterator[str]:
    from importlib.metadata import version

    for name in _LIBRARIES:
        if name in sys.modules:
            yield f"{name} {version(name)}"
    if psycopg := sys.modules.get("psycopg"):
        yield f"libpq {psycopg.pq.version()}"


def _size() -> str:
    try:
        return "x".join(map(str, os.get_terminal_size(2)))
    except OSError:
        return "of no size"


def _notes(error: BaseException | None) -> list[str]:
    notes: Sequence[str] = getattr(error, "__notes__", ())
    return [note.removeprefix(_OURS) for note in notes if note.startswith(_OURS)]


def _story(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> Iterator[str]:
    """What was raised where, and what led to it: names of files and functions, and numbers of
    lines.
    """
    yield f"\n{_name(kind)}"
    for frame, line in traceback.walk_tb(trace):
        yield f"  {_place(frame.f_code.co_filename)}:{line} {frame.f_code.co_qualname}"
    for earlier in _causes(error):
        yield from _story(type(earlier), earlier, earlier.__traceback__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions
    if error is not None and (cause := error.__cause__ or error.__context__):
        yield cause


def _name(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _place(file: str) -> str:
    """The file without the folder that it is installed in, which may bear its user's name."""
    inside = (
        os.path.relpath(file, folder)
        for folder in sys.path
        if folder and file.startswith(f"{folder}/")
    )
    return min(inside, key=len, default=Path(file).name)
