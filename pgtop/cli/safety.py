"""What guards signals: options and configuration file together. The file can add a guard and never
take one away.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pgtop import files
from pgtop.cli import output
from pgtop.cli.args.filters import filter_for_protection
from pgtop.config.settings import Safety
from pgtop.errors import UsageError
from pgtop.table.filter import Filter

FILE_NAME = "config.toml"
_OPTION, _FILE = "pgtop was started with --read-only", "read_only is set in {path}"


class Guards(NamedTuple):
    """`read_only`: why nothing may be signalled, or ""."""

    read_only: str = ""
    protect: tuple[Filter, ...] = ()
    require_audit: bool = False
    redact: bool = False


def guards_of(given: Safety, environ: Mapping[str, str] = os.environ) -> Guards:
    """Combine the options' guards and the file's. Raises UsageError for a file or a filter that
    cannot be read.
    """
    config, path = read_config(environ)
    read_only = (
        _OPTION if given.read_only else _FILE.format(path=path) if config["read_only"] else ""
    )
    protect = [
        *(_filter(text, "--protect") for text in given.protect),
        *(_filter(text, f"{path}: protect") for text in config["protect"]),
    ]
    require_audit = given.require_audit or config["require_audit"]
    redact = redacts(given.redact, config)
    for each in protect if redact else ():
        check_judged_unmasked(each, f"--protect {each.text!r}")
    return Guards(read_only, tuple(protect), require_audit, redact)


def check_judged_unmasked(chosen: Filter, name: str) -> None:
    """Raise UsageError for a filter that reads queries: it would judge masked ones differently."""
    if chosen.reads_queries:
        raise UsageError(
            f"{name} reads queries, and with redaction their literals and comments are masked.",
            "Name a column instead, such as user:replicator, or do without redaction.",
        )


def redacts(given: bool, config: Mapping[str, Any] | None = None) -> bool:
    """Return whether an option or the file asks to mask literals. Raises UsageError."""
    return given or bool((config or read_config().settings)["redact"])


class Config(NamedTuple):
    """The settings, and the file that they are from; `path` is None where this user has none."""

    settings: Mapping[str, Any]
    path: Path | None = None


def read_config(environ: Mapping[str, str] = os.environ) -> Config:
    """Read PGTOP_CONFIG, or config.toml where this platform keeps a user's configuration. Raises
    UsageError.

    Only a missing file sets nothing: a guard in a file that cannot be read would guard nothing.
    """
    chosen = environ.get("PGTOP_CONFIG")
    folder = None if chosen else files.user_folder("config")
    if not chosen and folder is None:
        output.report(
            "No configuration is read: this user has no home folder",
            "HOME or XDG_CONFIG_HOME can name one.",
        )
    path = Path(chosen) if chosen else folder and folder / FILE_NAME
    if path is None:
        return Config(_DEFAULTS)
    try:
        text = files.in_time(lambda: _chosen_text(path) if chosen else _text(path))
        settings = _parsed(text)
    except _NotOursError:
        output.report(
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
_PIPES = ("/dev/fd", "/proc/self/fd")


class _NotOursError(Exception):
    """The folder of this user's configuration is out of reach in another user's."""


def _text(path: Path) -> str:
    """Return the file's text; none of a name that is not there. Raises OSError, ValueError and
    _NotOursError.
    """
    if files.is_anothers_home(path.parent.parent):
        raise _NotOursError
    return _content(files.open_regular(path, os.O_RDONLY)) if files.is_named(path) else ""


def _chosen_text(path: Path) -> str:
    """Return the text of what PGTOP_CONFIG names: a file, /dev/null, or the pipe that a shell makes
    of <(…).
    """
    if str(path) == os.devnull:
        return ""
    if str(path.parent) in _PIPES:  # which may never come to an end: `in_time` bounds it
        return _content(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return _content(files.open_regular(path, os.O_RDONLY))


def _content(file: int) -> str:
    try:
        return files.read_bounded(file, _LONGEST).decode("utf-8")
    finally:
        os.close(file)


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
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _check(path: Path, name: str, value: object) -> None:
    """Raise UsageError for a setting that is unknown or wrong: a misspelt guard would guard
    nothing.
    """
    if name not in _KINDS:
        raise UsageError(
            f"{path}: there is no setting {name!r}.", f"Use one of {', '.join(_KINDS)}."
        )
    holds, meaning = _KINDS[name]
    if not holds(value):
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


def _filter(text: str, where: str) -> Filter:
    if not text.strip():
        raise UsageError(
            f"{where} is empty.", "Write which sessions to protect, such as user:replicator."
        )
    return filter_for_protection(text, where)
