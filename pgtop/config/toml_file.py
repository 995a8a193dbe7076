"""Configuration files: where they are, and what is read of them.

Only a missing file sets nothing: a guard in an unreadable file would guard nothing.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pgtop import files
from pgtop.config.layers import LayerKind, Origin

FILE_NAME = "config.toml"
SYSTEM_PATH = Path("/etc/pgtop", FILE_NAME)
"""The file of all users of this machine."""
VARIABLE = "PGTOP_CONFIG"
"""Names the user's file."""

Report: TypeAlias = Callable[[str, str], None]
"""Shows the user a sentence and an advice."""

_LONGEST = 64 << 10
"""Bytes of a configuration file."""
_LONGEST_SENTENCE = 300
_MARK = "\ufeff"
_PIPES = ("/dev/fd", "/proc/self/fd")


class Problem(NamedTuple):
    """Something wrong in a configuration file or in the environment."""

    place: str
    """A file with its line, or a variable."""
    what: str
    """The rest of the sentence after the place, without its full stop."""
    advice: str = ""
    hides_guards: bool = False
    """True if what is wrong may be a guard that masks literals."""

    @property
    def sentence(self) -> str:
        """The place and the sentence."""
        what = self.what
        if len(what) > _LONGEST_SENTENCE:  # a file may have keys of any length
            what = f"{what[:_LONGEST_SENTENCE]}…"
        end = "" if what.endswith("?") else "."
        return f"{self.place}{what}{end}"


class ConfigFile(NamedTuple):
    """A file that was read."""

    kind: LayerKind
    path: Path
    text: str = ""
    table: Mapping[str, Any] = {}

    def origin(self, *keys: str) -> Origin:
        """Return the origin of a key's value."""
        return Origin(self.kind, str(self.path), self.text, keys)


class FileError(Exception):
    """A file that cannot be read or is no TOML, as a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


def user_path(environ: Mapping[str, str]) -> Path | None:
    """Return PGTOP_CONFIG, or config.toml in this user's folder; None for a user without a home."""
    if chosen := environ.get(VARIABLE):
        return Path(chosen)
    folder = files.user_folder("config")
    return None if folder is None else folder / FILE_NAME


def read_system() -> ConfigFile | None:
    """Read the machine's file, None if there is none. Raises FileError."""
    if not os.path.lexists(SYSTEM_PATH.parent):  # most machines: without a thread
        return None
    return _read(LayerKind.SYSTEM, SYSTEM_PATH, _text_if_named)


def read_user(report: Report, environ: Mapping[str, str]) -> ConfigFile | None:
    """Read the user's file, None if there is none. Raises FileError."""
    path = user_path(environ)
    if path is None:
        report(
            "No configuration is read: this user has no home folder",
            "HOME or XDG_CONFIG_HOME can name one.",
        )
        return None
    if environ.get(VARIABLE):
        return _read(LayerKind.USER, path, _chosen_text)
    try:
        return _read(LayerKind.USER, path, _own_text)
    except _UnreachableHomeError:
        report(
            f"No configuration is read: this user cannot reach {path.parent.parent}",
            "HOME can name another folder.",
        )
        return None


_ADVICE = "Correct it, or move it away: it may hold guards."


class _UnreachableHomeError(Exception):
    """The configuration folder lies in another user's home, out of reach."""


def _read(
    kind: LayerKind, path: Path, read: Callable[[Path], str | None]
) -> ConfigFile | None:
    text: str | None = ""
    try:
        text = files.in_time(lambda: read(path))
        return None if text is None else ConfigFile(kind, path, text, _parsed(text))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(_problem(path, error, text or "")) from error


def _own_text(path: Path) -> str | None:
    """Return the user's own file. Raises OSError, ValueError and _UnreachableHomeError."""
    if files.is_anothers_home(path.parent.parent):
        raise _UnreachableHomeError
    return _text_if_named(path)


def _text_if_named(path: Path) -> str | None:
    if not files.is_named(path):
        return None
    return _content(files.open_regular(path, os.O_RDONLY))


def _chosen_text(path: Path) -> str | None:
    """Return the text of PGTOP_CONFIG: a file, /dev/null, or the pipe of a shell's <(…)."""
    if str(path) == os.devnull:
        return None
    if str(path.parent) in _PIPES:  # a pipe may never end: `in_time` bounds it
        return _content(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return _content(files.open_regular(path, os.O_RDONLY))


def _content(file: int) -> str:
    return files.read_bounded(file, _LONGEST).decode("utf-8")


def _parsed(text: str) -> dict[str, Any]:
    import tomllib  # only where there is a file

    if text.startswith(_MARK):
        raise ValueError("it begins with a byte order mark, which TOML does not have")
    return tomllib.loads(text)


# Problems.


def _problem(path: Path, error: Exception, text: str) -> Problem:
    reason = _reason(error)
    line = _line(error, text)
    place = f"{path}:{line}" if line else str(path)
    what = f": the file cannot be read: {reason}"
    return Problem(place, what, _ADVICE, hides_guards=True)


_AT_LINE = r" \(at (?:line (\d+), column \d+|end of document)\)$"


def _line(error: Exception, text: str) -> int:
    """Return the line of the first mistake in the file; 0 if the file as a whole is wrong."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.count(b"\n", 0, error.start) + 1
    if match := re.search(_AT_LINE, str(error)):
        return int(match[1] or len(text.splitlines()))
    return 1 if text.startswith(_MARK) else 0


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UnicodeDecodeError):
        return "this line is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    words = re.sub(_AT_LINE, "", str(error))
    return f"{words[:1].lower()}{words[1:]}"
