"""Checks of what a file sets, against the declared fields.

Loaded only where there is something to check.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pgtop.config.layers import Layer, LayeredValue, Origin
from pgtop.config.mistakes import (
    MistakeError,
    advice_of,
    keys_of,
    nearest,
    one_of,
)
from pgtop.config.names import NAME_RULE, is_name
from pgtop.config.schema import Field
from pgtop.config.tables import (
    DISPLAY,
    KEYS,
    TABLES,
    TOP,
    FileTable,
    plain_fields,
    screen_fields,
)
from pgtop.config.toml_file import ConfigFile, Problem
from pgtop.config.values import from_file

GUARDS = frozenset(field.name for field in plain_fields(TOP))
_PRESET = "preset"
"""The key of [keys] that the others change."""


class CheckedFile(NamedTuple):
    """The values that a file sets, and its problems."""

    layer: Layer
    """The guards and the display."""
    records: Mapping[str, Mapping[str, Layer]]
    """The records of a section, by their names."""
    tables: Mapping[str, Mapping[str, Any]]
    """Tables with keys of their user's own."""
    problems: tuple[Problem, ...]
    file: ConfigFile

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.file.path

    def origin(self, *keys: str) -> Origin:
        """Return the origin of a key's value."""
        return self.file.origin(*keys)


class _Check:
    """The check of one file."""

    def __init__(self, file: ConfigFile) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def read(self) -> CheckedFile:
        """Return all that is right, and the problems."""
        own = {
            key: value
            for key, value in self._file.table.items()
            if key not in (DISPLAY, *TABLES)
        }
        values = self._values(own, tuple(plain_fields(TOP)), (), (DISPLAY, *TABLES))
        display = self._table(DISPLAY)
        values |= self._values(display, tuple(plain_fields(DISPLAY)), (DISPLAY,))
        records = {}
        tables = {}
        for section in TABLES.values():
            table = self._table(section.name)
            if section.record:
                records[section.name] = self._records(section, table)
            else:
                tables[section.name] = self._own_table(section, table)
        layer = Layer(
            self._file.kind,
            values,
        )
        return CheckedFile(layer, records, tables, tuple(self.problems), self._file)

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self._file.table.get(name, {})
        if isinstance(table, Mapping):
            return table
        self._add((name,), f"[{name}] must be a table")
        return {}

    def _values(
        self,
        table: Mapping[str, Any],
        fields: tuple[Field, ...],
        path: tuple[str, ...],
        more: tuple[str, ...] = (),
    ) -> dict[str, LayeredValue]:
        """Return the values of a table's keys."""
        known = {field.name: field for field in fields}
        values = {}
        for key, value in table.items():
            keys = (*path, key)
            if key not in known:
                self._add(keys, *_unknown(key, (*known, *more), ".".join(path)))
                continue
            try:
                read = from_file(known[key], value)
            except ValueError as error:
                self._add((*keys, *keys_of(error)), *words_of(key, error))
            else:
                values[key] = LayeredValue(read, self._file.origin(*keys))
        return values

    def _records(
        self, section: FileTable, table: Mapping[str, Any]
    ) -> Mapping[str, Layer]:
        records = {}
        for name, keys in table.items():
            if layer := self._record(section, name, keys):
                records[name] = layer
        return records

    def _record(self, section: FileTable, name: str, keys: object) -> Layer | None:
        path = (section.name, name)
        if not isinstance(keys, Mapping):
            self._add(path, f"[{section.name}.{name}] must be a table")
            return None
        if not is_name(name):
            self._add(path, f"{name!r} is a wrong name: {NAME_RULE}")
            return None
        return Layer(self._file.kind, self._values(keys, section.fields, path))

    def _own_table(
        self, section: FileTable, table: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what is right of a table with keys of the user's own; of [keys], whose keys go
        together, all or nothing.
        """
        if not mistakes_of(section, table):
            return table
        wrong = _wrong_alone(section, table)
        for key, mistakes in wrong.items():
            for mistake in mistakes:
                keys = mistake.keys or (key,)
                self._add((section.name, *keys), str(mistake), mistake.advice)
        right = {key: value for key, value in table.items() if key not in wrong}
        if joint := mistakes_of(section, right):
            self._add((section.name,), str(joint[0]), joint[0].advice)
            return {}
        return {} if wrong and section.name == KEYS else right

    def _add(self, keys: tuple[str, ...], what: str, advice: str = "") -> None:
        place = self._file.origin(*keys).place
        is_top = len(keys) == 1
        hides_guards = is_top or bool(nearest(keys[-1], tuple(GUARDS)))
        problem = Problem(
            place,
            f": {what}",
            advice,
            hides_guards=hides_guards,
        )
        self.problems.append(problem)


def words_of(key: str, error: ValueError) -> tuple[str, str]:
    """Return what is wrong with the value of a key, and what to write instead."""
    what = str(error) if keys_of(error) else f"{key} {error}"
    return what, advice_of(error)


def _wrong_alone(
    section: FileTable, table: Mapping[str, Any]
) -> Mapping[str, list[MistakeError]]:
    """Return what is wrong with each key of a table that is also wrong without the others; a preset
    that is right is read with them.
    """
    preset = {key: value for key, value in table.items() if key == _PRESET}
    if mistakes_of(section, preset):
        preset = {}
    wrong = {
        key: mistakes_of(section, {**preset, key: value})
        for key, value in table.items()
    }
    return {key: mistakes for key, mistakes in wrong.items() if mistakes}


def mistakes_of(section: FileTable, table: Mapping[str, Any]) -> list[MistakeError]:
    """Return what is wrong with a table with keys of the user's own."""
    if not table:
        return []
    if section.mistakes:
        return list(section.mistakes(table))
    try:
        section.read(table)
    except MistakeError as error:
        return [error]
    return []


def checked(file: ConfigFile) -> CheckedFile:
    """Check a file."""
    return _Check(file).read()


def _unknown(key: str, known: Iterable[str], table: str) -> tuple[str, str]:
    """Return what is wrong with an unknown key, and the nearest right spelling, which may belong in
    another place.
    """
    names = tuple(known)
    elsewhere, place = _other_place(table)
    word = nearest(key, (*names, *elsewhere))
    where = f" in [{table}]" if table else ""
    what = f"there is no setting {key[:_LONGEST_KEY]!r}{where}"
    if word and word not in names:
        return what, f"Did you mean {word}? It belongs {place}."
    return what, one_of(key, names)


_LONGEST_KEY = 60
"""Characters of a key in a sentence."""


def _other_place(table: str) -> tuple[Iterable[str], str]:
    """Return the keys that users also write into this table, and where they belong."""
    if table:
        return GUARDS, "at the top of the file, above all tables"
    return [field.name for field in plain_fields(DISPLAY)], f"in [{DISPLAY}]"


def display_values(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of [display] in a server's table. Raises ValueError."""
    known = {field.name: field for field in screen_fields()}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise MistakeError(*_unknown(key, known, DISPLAY), (key,))
        try:
            values[key] = from_file(known[key], value)
        except ValueError as error:
            raise MistakeError(*words_of(key, error), (key,)) from None
    return values
