"""What guards the door: options and configuration file together. The file can add a guard and never take one away."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pgtop.cli.options import Safety
from pgtop.errors import UsageError
from pgtop.view.filter import Filter, FilterError

FILE_NAME = "config.toml"
_OPTION, _FILE = "pgtop was started with --read-only", "read_only is set in {path}"


class Guards(NamedTuple):
    """`read_only`: why nothing may be signalled, or ""."""

    read_only: str = ""
    protect: tuple[Filter, ...] = ()
    require_audit: bool = False
    redact: bool = False


def guards_of(given: Safety, environ: Mapping[str, str] = os.environ) -> Guards:
    """The options' guards and the file's. Raises UsageError for a file or a filter that cannot be read."""
    path = config_path(environ)
    config = read_config(path)
    read_only = _OPTION if given.read_only else _FILE.format(path=path) if config["read_only"] else ""
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
    """Raise UsageError for a filter that reads queries: of masked ones it would tell something else."""
    if chosen.reads_queries:
        raise UsageError(
            f"{name} reads queries, and with redaction their literals and comments are masked.",
            "Name a column instead, such as user:replicator, or do without redaction.",
        )


def redacts(given: bool, config: Mapping[str, Any] | None = None) -> bool:
    """Literals are to be masked: an option or the file says so. Raises UsageError."""
    return given or bool((config or read_config(config_path()))["redact"])


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """PGTOP_CONFIG, or config.toml in the folder where this platform keeps a user's configuration."""
    if chosen := environ.get("PGTOP_CONFIG"):
        if not Path(chosen).exists():  # a guard in a file that is not found would guard nothing
            raise UsageError(f"PGTOP_CONFIG names {chosen}, which is not there.", "Name the file, or unset it.")
        return Path(chosen)
    import platformdirs

    return platformdirs.user_config_path("pgtop", appauthor=False) / FILE_NAME


def read_config(path: Path) -> dict[str, Any]:
    """Every setting by its name; a file that is not there sets nothing. Raises UsageError."""
    try:
        found = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Mend it, or move it away.") from error
    for name, value in found.items():
        _check(path, name, value)
    return {**_DEFAULTS, **found}


def _parsed(text: str) -> dict[str, Any]:
    import tomllib  # only for who has a file

    return tomllib.loads(text)


def _check(path: Path, name: str, value: object) -> None:
    """A guard that is misspelt would guard nothing."""
    if name not in _KINDS:
        raise UsageError(f"{path}: there is no setting {name!r}.", f"Use one of {', '.join(_KINDS)}.")
    holds, meaning = _KINDS[name]
    if not holds(value):
        raise UsageError(f"{path}: {name} must be {meaning}.")


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_DEFAULTS: Mapping[str, Any] = {"read_only": False, "protect": [], "require_audit": False, "redact": False}
_KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "read_only": (_is_bool, "true or false"),
    "protect": (_is_texts, 'a list of filters, such as ["user:replicator"]'),
    "require_audit": (_is_bool, "true or false"),
    "redact": (_is_bool, "true or false"),
}


def _filter(text: str, where: str) -> Filter:
    try:
        chosen = Filter.parse(text)
    except FilterError as error:
        raise UsageError(f"{where} is wrong at character {error.position + 1}: {error.message}.") from error
    if not text.strip():
        raise UsageError(f"{where} is empty.", "Write whom to protect, such as user:replicator.")
    return chosen
