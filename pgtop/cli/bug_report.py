"""Reports of bugs in pgtop, which a user can show to a stranger.

A report has no message of an exception, no value and no source text: they hold passwords, queries
and names.
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
from pgtop.cli.environment import environment
from pgtop.errors import reason_of

_MARK = "pgtop: "
"""Begins the notes that pgtop itself adds to an exception. They may be shown."""


_REPORT_LABELS = ("Issues", "Bug Tracker", "Repository")
"""Labels of addresses in the metadata of a package that take reports.
https://packaging.python.org/en/latest/specifications/well-known-project-urls/
"""


def catch_bugs(code_after: Callable[[], int] = lambda: 1) -> None:
    """Report the exceptions that escape from any thread from now on.

    After one in the main thread, Python exits with `code_after()`.
    """

    def report_and_exit(
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            report_bug(kind, error, trace)
        finally:  # even if the report fails
            raise SystemExit(code_after())

    sys.excepthook = report_and_exit
    threading.excepthook = lambda thread: report_bug(
        thread.exc_type,
        thread.exc_value,
        thread.exc_traceback,
    )


@contextmanager
def context(words: str) -> Iterator[None]:
    """Add `words`, which hold nothing secret, to the report of a bug that escapes from here."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{_MARK}{words}")
        raise


def report_bug(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Write the report to a file that only this user can read, and show its path.

    If the file cannot be written, show the report on stderr.
    """
    lines = [*environment(), *_notes(error), *_raised(kind, error, trace)]
    sentence = f"This is a bug in pgtop ({_name(kind)})"
    try:
        path = _write("".join(f"{line}\n" for line in lines))
    except OSError as failure:
        reason = reason_of(failure)
        output.report(f"{sentence}, and no report could be written: {reason}")
        for line in lines:
            output.report(line)
    else:
        output.report(
            sentence,
            f"Please send {path} to {maintainers()}: it holds no password, no query and no name.",
        )


def maintainers() -> str:
    """Return where reports go: the address that the package names, if it names one."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        addresses: list[str] = metadata("pgtop").get_all("Project-URL") or []
    except PackageNotFoundError:  # a program in one file has no metadata
        addresses = []
    for entry in addresses:
        label, _, address = entry.partition(", ")
        if label in _REPORT_LABELS:
            return address
    return "the maintainers of the pgtop package that you installed"


def _write(text: str) -> Path:
    """Write a new file of the user's; returns its path."""
    from datetime import UTC, datetime

    from pgtop import files

    folder = files.user_folder("state")
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, "there is no home folder")
    files.make_private(folder)
    time = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    path = folder / f"bug-{time}-{os.getpid()}.txt"
    files.write_new(path, text.encode(errors="replace"))
    return path


def _notes(error: BaseException | None) -> list[str]:
    notes: Sequence[str] = getattr(error, "__notes__", ())
    return [note.removeprefix(_MARK) for note in notes if note.startswith(_MARK)]


def _raised(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> Iterator[str]:
    """Yield the exception and its causes, each with its files, functions and line numbers."""
    yield ""
    yield _name(kind)
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        yield f"  {_place(code.co_filename)}:{line} {code.co_qualname}"
    for cause in _causes(error):
        yield from _raised(type(cause), cause, cause.__traceback__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions
    if error is not None and (cause := error.__cause__ or error.__context__):
        yield cause


def _name(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _place(file: str) -> str:
    """Return the file's path without its folder of installation, which may have the user's name."""
    folders = [
        folder for folder in sys.path if folder and file.startswith(f"{folder}/")
    ]
    paths = [os.path.relpath(file, folder) for folder in folders]
    return min(paths, key=len, default=Path(file).name)
