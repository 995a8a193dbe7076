"""The beginning of pgtop's own log, as options, variables and configuration request it."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pgtop import files
from pgtop.cli import output
from pgtop.cli.environment import environment
from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin, merge
from pgtop.config.log_options import LogOptions
from pgtop.config.schema import fields
from pgtop.config.tables import variable_of
from pgtop.errors import UsageError, reason_of
from pgtop.log import LOG, OFF

FILE_NAME = "pgtop.log"
"""The name of the file in pgtop's own folder, for a level without a file."""
_FIELDS = tuple(field for field in fields(LogOptions) if field.setting)
_NAMES = frozenset(field.name for field in _FIELDS)
_VARIABLES = frozenset(map(variable_of, _FIELDS))


def begin_at_start(options: LogOptions, environ: Mapping[str, str]) -> None:
    """Begin the log that an option or a variable requests. Raises UsageError."""
    from pgtop.config.load import load

    read = load(_report_nothing, environ)
    for problem in read.problems:
        if problem.place in _VARIABLES:
            raise UsageError(problem.sentence, problem.advice)
    begin([*read.layers, _layer(options)])


def begin(layers: Sequence[Layer]) -> None:
    """Begin the log, if any layer requests one and none has begun. Raises UsageError."""
    is_requested = any(_NAMES & layer.values.keys() for layer in layers)
    if not is_requested or LOG.level != OFF:
        return
    from pgtop.cli.log_file import LogFile, QueuedLog

    values = {name: value.value for name, value in merge(_FIELDS, layers).items()}
    path = _path(values["log_file"])
    try:
        file = files.in_time(partial(LogFile, path))
    except OSError as error:
        raise UsageError(
            f"The log cannot be written: {reason_of(error)} ({path}).",
            "Name another file with --log-file.",
        ) from None
    LOG.begin(values["log"], QueuedLog(file))
    for line in environment():
        LOG.write(f"pgtop: {line}")


def begin_or_report(layers: Sequence[Layer]) -> None:
    """Begin the log that the configuration requests, or report why not: the command goes on."""
    try:
        begin(layers)
    except UsageError as error:
        output.report(error.what, error.advice)


def _report_nothing(what: str, advice: str = "") -> None:
    """Leave the report to the command, which reads the configuration, too."""


def _path(name: str) -> Path:
    """Return the path of the log. Raises UsageError."""
    if name:
        return Path(name).expanduser()
    folder = files.user_folder("state")
    if folder is None:
        raise UsageError(
            "There is no folder for a log: this user has no home.",
            "Name a file with --log-file.",
        )
    files.make_private(folder)
    return folder / FILE_NAME


def _layer(options: LogOptions) -> Layer:
    values = {
        name: LayeredValue(
            getattr(options, name), Origin(LayerKind.COMMAND_LINE, "an option")
        )
        for name in options.chosen & _NAMES
    }
    return Layer(LayerKind.COMMAND_LINE, values)
