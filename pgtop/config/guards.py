"""The guards of signals: command-line options and configuration file combined.

The file can add a guard and can never remove one. The command line hands in how filters are read
and how the user is informed.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pgtop import files
from pgtop.config.settings import Safety
from pgtop.errors import UsageError
from pgtop.table.filter import Filter

FILE_NAME = "config.toml"
_OPTION = "pgtop was started with --read-only"
_FILE = "read_only is set in {path}"

FilterReader: TypeAlias = Callable[[str, str], Filter]
"""Reads a filter that protects sessions, from text and place. Raises UsageError."""
Report: TypeAlias = Callable[[str, str], None]
"""Shows the user a sentence and an advice."""


class Guards(NamedTuple):
    """The guards in force."""

    read_only: str = ""
    """Why nothing may be signalled, or ""."""
    protect: tuple[Filter, ...] = ()
    require_audit: bool = False
    redact: bool = False


class Config(NamedTuple):
    """The settings and the file that they come from, None if this user has no file."""

    settings: Mapping[str, Any]
    path: Path | None = None


# Options and file together.


def guards_of(
    options: Safety,
    read_filter: FilterReader,
    report: Report,
    environ: Mapping[str, str] = os.environ,
) -> Guards:
    """Combine the guards of the options and of the file. Raises UsageError for an unreadable file
    or filter.
    """
    settings, path = read_config(report, environ)
    places = [(text, "--protect") for text in options.protect]
    places += [(text, f"{path}: protect") for text in settings["protect"]]
    protect = [_read_protection(text, place, read_filter) for text, place in places]
    redact = options.redact or settings["redact"]
    for each in protect if redact else ():
        check_reads_no_queries(each, f"--protect {each.text!r}")
    return Guards(
        read_only=_read_only_reason(options, settings, path),
        protect=tuple(protect),
        require_audit=options.require_audit or settings["require_audit"],
        redact=redact,
    )


def check_reads_no_queries(chosen: Filter, name: str) -> None:
    """Raise UsageError for a filter that reads queries: on masked ones it would decide
    differently.
    """
    if chosen.reads_queries:
        raise UsageError(
            f"{name} reads queries, and with redaction their literals and comments are masked.",
            "Name a column instead, such as user:replicator, or do without redaction.",
        )


def redacts(option: bool, report: Report) -> bool:
    """Return whether the option or the file masks literals. Raises UsageError."""
    return option or bool(read_config(report).settings["redact"])


def _read_only_reason(
    options: Safety, settings: Mapping[str, Any], path: Path | None
) -> str:
    if options.read_only:
        return _OPTION
    return _FILE.format(path=path) if settings["read_only"] else ""


def _read_protection(text: str, place: str, read_filter: FilterReader) -> Filter:
    if not text.strip():
        advice = "Write which sessions to protect, such as user:replicator."
        raise UsageError(f"{place} is empty.", advice)
    return read_filter(text, place)


# The file.


def read_config(report: Report, environ: Mapping[str, str] = os.environ) -> Config:
    """Read PGTOP_CONFIG, or config.toml in this user's configuration folder. Raises UsageError.

    Only a missing file sets nothing: a guard in an unreadable file would guard nothing.
    """
    chosen = environ.get("PGTOP_CONFIG")
    path = Path(chosen) if chosen else _default_path(report)
    if path is None:
        return Config(_DEFAULTS)
    read = _chosen_text if chosen else _default_text
    try:
        text = files.in_time(lambda: read(path))
        settings = _parsed(text)
    except _NotOursError:
        report(
            f"No configuration is read: this user cannot reach {path.parent.parent}",
            "HOME can name another folder.",
        )
        return Config(_DEFAULTS)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {_why(error)}.", _ADVICE) from error
    for name, value in settings.items():
        _check(path, name, value)
    return Config({**_DEFAULTS, **settings}, path)


_ADVICE = "Correct it, or move it away: it may hold guards."
_LONGEST = 64 << 10
"""Bytes of a configuration file."""
_PIPES = ("/dev/fd", "/proc/self/fd")


class _NotOursError(Exception):
    """The configuration folder lies in another user's home, out of reach."""


def _default_path(report: Report) -> Path | None:
    folder = files.user_folder("config")
    if folder is None:
        report(
            "No configuration is read: this user has no home folder",
            "HOME or XDG_CONFIG_HOME can name one.",
        )
        return None
    return folder / FILE_NAME


def _default_text(path: Path) -> str:
    """Return the text of the default file, "" if there is none. Raises OSError, ValueError and
    _NotOursError.
    """
    if files.is_anothers_home(path.parent.parent):
        raise _NotOursError
    if not files.is_named(path):
        return ""
    return _content(files.open_regular(path, os.O_RDONLY))


def _chosen_text(path: Path) -> str:
    """Return the text of PGTOP_CONFIG: a file, /dev/null, or the pipe of a shell's <(…)."""
    if str(path) == os.devnull:
        return ""
    if str(path.parent) in _PIPES:  # a pipe may never end: `in_time` bounds it
        return _content(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return _content(files.open_regular(path, os.O_RDONLY))


def _content(file: int) -> str:
    return files.read_bounded(file, _LONGEST).decode("utf-8")


def _parsed(text: str) -> dict[str, Any]:
    import tomllib  # only where there is a file

    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark, which TOML does not have")
    return tomllib.loads(text)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)


# The settings.


def _check(path: Path, name: str, value: object) -> None:
    """Raise UsageError for an unknown or wrong setting: a misspelt guard would guard nothing."""
    if name not in _KINDS:
        known = ", ".join(_KINDS)
        raise UsageError(
            f"{path}: there is no setting {name!r}.", f"Use one of {known}."
        )
    is_valid, meaning = _KINDS[name]
    if not is_valid(value):
        raise UsageError(f"{path}: {name} must be {meaning}.")


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_DEFAULTS: Mapping[str, Any] = {
    "read_only": False,
    "protect": [],
    "require_audit": False,
    "redact": False,
}
_KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "read_only": (_is_bool, "true or false"),
    "protect": (_is_texts, 'a list of filters, such as ["user:replicator"]'),
    "require_audit": (_is_bool, "true or false"),
    "redact": (_is_bool, "true or false"),
}
