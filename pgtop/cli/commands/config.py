"""`pgtop config`: the configuration with the origin of each value, its check and its schema."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pgtop import files
from pgtop.cli import configuration, output
from pgtop.cli.args.config_options import ConfigCommand
from pgtop.cli.exit_codes import Exit
from pgtop.config.json_schema import json_schema
from pgtop.config.layers import LayeredValue, merge
from pgtop.config.load import Configuration
from pgtop.config.tables import (
    DISPLAY,
    TABLES,
    TOP,
    plain_fields,
)
from pgtop.config.toml_file import SYSTEM_PATH, VARIABLE, Problem, user_path
from pgtop.config.toml_text import template, toml_value
from pgtop.errors import OutputError, UsageError


class Row(NamedTuple):
    """A value of the configuration, as `show` prints it."""

    table: str
    key: str
    value: Any
    layer: str
    place: str


def run(command: ConfigCommand) -> int:
    """Do the action; return the exit code. Raises UsageError and OutputError."""
    return _ACTIONS[command.action](command)


# The path.


def _path(_command: ConfigCommand) -> int:
    output.write_data(f"{_user_path()}\n")
    return Exit.DONE


def _user_path() -> Path:
    path = user_path(os.environ)
    if path is None:
        raise UsageError(
            "There is no folder for a configuration: this user has no home.",
            "HOME or XDG_CONFIG_HOME can name one.",
        )
    return path


# Values with their origin.


def _show(command: ConfigCommand) -> int:
    read = configuration.read()
    rows = list(_rows(read))
    if command.json:
        lines = [f"{json.dumps(row._asdict())}\n" for row in rows]
        output.write_data("".join(lines))
    else:
        output.write("".join(f"{line}\n" for line in _page(rows)))
    problems = configuration.problems_of(read)
    _report(problems)
    return Exit.USAGE if problems else Exit.DONE


def _rows(read: Configuration) -> Iterator[Row]:
    for section in (TOP, DISPLAY):
        values = merge(plain_fields(section), read.layers)
        yield from _rows_of(section, values)
    for table in TABLES.values():
        if table.record is None:
            yield from _rows_of(table.name, read.own_values(table.name))
            continue
        for name in read.names(table.name):
            values = read.values(table, name)
            named = {key: each for key, each in values.items() if each.is_set}
            yield from _rows_of(f"{table.name}.{name}", named)


def _rows_of(table: str, values: Mapping[str, LayeredValue]) -> Iterator[Row]:
    for key, value in values.items():
        origin = value.origin
        yield Row(table, key, value.value, origin.layer.value, value.places)


def _page(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a TOML file with the origin of each value as a comment."""
    assigned = [f"{row.key} = {toml_value(row.value)}" for row in rows]
    width = min(max(map(len, assigned), default=0), _WIDEST)
    table = TOP
    for row, text in zip(rows, assigned, strict=True):
        if row.table != table:
            table = row.table
            yield f"\n[{table}]"
        yield f"{text:<{width}}  # {row.place}"


_WIDEST = 40
"""Characters of a value, before the origins stand below each other no more."""


# The check.


def _check(_command: ConfigCommand) -> int:
    read = configuration.read()
    problems = configuration.problems_of(read)
    if problems:
        _report(sorted(problems, key=_line_of))
        return Exit.USAGE
    for file in read.files:
        output.write(f"{file.path}: no mistakes\n")
    if not read.files:
        output.write(f"There is no file: neither {_user_path()} nor {SYSTEM_PATH}.\n")
    return Exit.DONE


def _line_of(problem: Problem) -> tuple[str, int]:
    """Return the file and the line of a problem, which come in this order."""
    path, _, line = problem.place.rpartition(":")
    return (path, int(line)) if line.isdecimal() else (problem.place, 0)


def _report(problems: list[Problem]) -> None:
    for problem in problems:
        output.report(problem.sentence, problem.advice)


# The schema, and a new file.


def _schema(_command: ConfigCommand) -> int:
    output.write_data(f"{json.dumps(json_schema(), indent=2)}\n")
    return Exit.DONE


def _init(_command: ConfigCommand) -> int:
    path = _user_path()
    try:
        if not os.environ.get(
            VARIABLE
        ):  # another folder than pgtop's own is left as it is
            files.make_private(path.parent)
        files.write_new(path, template().encode())
    except FileExistsError:
        raise UsageError(
            f"{path} exists already and was not changed.", "Move it away first."
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}."
        ) from error
    output.write(f"{path}: written; it changes nothing yet\n")
    return Exit.DONE


_ACTIONS: Mapping[str, Callable[[ConfigCommand], int]] = {
    "path": _path,
    "show": _show,
    "check": _check,
    "schema": _schema,
    "init": _init,
}
