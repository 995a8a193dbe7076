"""Checks of what a file or the environment sets, against the declared fields.

Loaded only where there is something to check.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin, merge, values_of
from pgtop.config.load import Configuration
from pgtop.config.schema import Field
from pgtop.config.settings import THEMES
from pgtop.config.tables import (
    ACTIONS,
    DISPLAY,
    KEYS,
    OWN_THEMES,
    SERVERS,
    TABLES,
    TOP,
    VARIABLE_PREFIX,
    VIEWS,
    FileTable,
    is_name,
    plain_fields,
    screen_fields,
    variable_of,
)
from pgtop.config.toml_file import VARIABLE, ConfigFile, Problem
from pgtop.config.values import from_file, from_text, nearest
from pgtop.view_registry import VIEWS as BUILT_IN

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
        layer = Layer(self._file.kind, values)
        return CheckedFile(layer, records, tables, tuple(self.problems), self._file)

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self._file.table.get(name, {})
        if isinstance(table, Mapping):
            return table
        self._add((name,), f": {name} must be a table, [{name}]")
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
                self._add(keys, f": {key} {error}")
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
            what = f": {name} must be a table, [{section.name}.{name}]"
            self._add(path, what)
            return None
        if not is_name(name):
            self._add(
                path, f": a name has up to 40 letters, digits, - and _, not {name!r}"
            )
            return None
        return Layer(self._file.kind, self._values(keys, section.fields, path))

    def _own_table(
        self, section: FileTable, table: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what is right of a table with keys of the user's own; of [keys], whose keys go
        together, all or nothing.
        """
        if not _wrong_words(section, table):
            return table
        wrong = _wrong_alone(section, table)
        for key, words in wrong.items():
            self._add((section.name, key), f": {words}")
        right = {key: value for key, value in table.items() if key not in wrong}
        if words := _wrong_words(section, right):
            self._add((section.name,), f": {words}")
            return {}
        return {} if wrong and section.name == KEYS else right

    def _add(self, keys: tuple[str, ...], what: str, advice: str = "") -> None:
        place = self._file.origin(*keys).place
        is_top = len(keys) == 1
        hides_guards = is_top or bool(nearest(keys[-1], tuple(_GUARDS)))
        self.problems.append(Problem(place, what, advice, hides_guards=hides_guards))


def _wrong_alone(section: FileTable, table: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what is wrong with each key of a table that is also wrong without the others; a preset
    that is right is read with them.
    """
    preset = {key: value for key, value in table.items() if key == _PRESET}
    if _wrong_words(section, preset):
        preset = {}
    words = {
        key: _wrong_words(section, {**preset, key: value})
        for key, value in table.items()
    }
    return {key: text for key, text in words.items() if text}


def _wrong_words(section: FileTable, table: Mapping[str, Any]) -> str:
    """Return what is wrong with a table, or ""."""
    if not table:
        return ""
    try:
        section.read(table)
    except ValueError as error:
        return str(error)
    return ""


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
    what = f": there is no setting {key!r}{where}"
    if word and word not in names:
        return what, f"{word} belongs {place}."
    listed = f"Use one of {', '.join(names)}."
    return what, f"Did you mean {word}? {listed}" if word else listed


def _other_place(table: str) -> tuple[Iterable[str], str]:
    """Return the keys that users also write into this table, and where they belong."""
    if table:
        return _GUARDS, "at the top of the file, above all tables"
    return [field.name for field in plain_fields(DISPLAY)], f"in [{DISPLAY}]"


def display_values(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of [display] in a server's table. Raises ValueError."""
    known = {field.name: field for field in screen_fields()}
    values = {}
    for key, value in table.items():
        if key not in known:
            what, advice = _unknown(key, known, DISPLAY)
            raise ValueError(f"is wrong{what}. {advice.removesuffix('.')}")
        try:
            values[key] = from_file(known[key], value)
        except ValueError as error:
            raise ValueError(f"is wrong: {key} {error}") from None
    return values


def joint_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each record and table that the files together make wrong."""
    yield from _view_problems(read)
    yield from _key_problems(read)
    for table in TABLES.values():
        if table.record:
            yield from _record_problems(read, table)
            continue
        values = read.table(table.name)
        if not values:
            continue
        try:
            table.read(values)
        except ValueError as error:
            yield Problem(f"[{table.name}]", f": {error}")
    yield from _theme_problems(read)


def _view_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each view that opens first and does not exist."""
    names = view_names(read)
    places = [merge(plain_fields(DISPLAY), read.layers)["view"]]
    places += [
        read.values(TABLES[SERVERS], name)["view"] for name in read.names(SERVERS)
    ]
    for value in places:
        if value.value and value.value.lower() not in names:
            yield _unknown_name(value.origin, "view", value.value, names)


def view_names(read: Configuration) -> tuple[str, ...]:
    """Return what a view can be called: its id, its label, or the name of its table."""
    built_in = [name for view in BUILT_IN for name in (view.id, view.label)]
    return tuple(dict.fromkeys([*built_in, *map(str.lower, read.names(VIEWS))]))


def _unknown_name(origin: Origin, key: str, name: str, names: Iterable[str]) -> Problem:
    known = tuple(names)
    word = nearest(name, known)
    hint = f"Did you mean {word}? " if word else ""
    listed = ", ".join(known)
    return Problem(
        origin.place, f": there is no {key} {name!r}", f"{hint}Use one of {listed}."
    )


def _key_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each program of the user's own whose key has another meaning."""
    names = read.names(ACTIONS)
    if not names:
        return
    from pgtop.config.keymap import KeymapError, keymap_from
    from pgtop.key_names import key_called

    owners: dict[str, str] = {}
    with suppress(KeymapError):  # a problem already
        keymap = keymap_from(read.table(KEYS))
        for action in keymap.actions:
            owners |= dict.fromkeys(action.keys, action.id)
    for name in names:
        written = read.values(TABLES[ACTIONS], name)["key"].value
        key = key_called(written) if written else ""
        if key in owners:
            place = read.origin(ACTIONS, name).place
            what = f": [{ACTIONS}.{name}] cannot have the key {written}"
            yield Problem(place, f"{what}: it stands for {owners[key]}")
        elif key:
            owners[key] = name


def _record_problems(read: Configuration, table: FileTable) -> Iterator[Problem]:
    """Yield a problem for each record that is wrong as a whole, unless one of its values is wrong:
    that is the reason, and has its line.
    """
    for name in read.names(table.name):
        if _has_wrong_value(read, table, name):
            continue
        try:
            read.record(table, name)
        except ValueError as error:
            place = read.origin(table.name, name).place
            yield Problem(place, f": [{table.name}.{name}] {error}")


def _has_wrong_value(read: Configuration, table: FileTable, name: str) -> bool:
    known = {field.name for field in table.fields}
    for file in read.files:
        layer = file.records[table.name].get(name)
        if layer is None:
            continue
        written = known.intersection(file.file.table[table.name][name])
        if written - layer.values.keys():
            return True
    return False


def _theme_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each layer with a theme that there is not. One of the user's own that is
    wrong has its line.
    """
    own = {name for file in read.files for name in file.file.table.get(OWN_THEMES, ())}
    for value in values_of("theme", read.layers):
        if value.value in THEMES or value.value in own - read.table(OWN_THEMES).keys():
            continue
        from pgtop.config.themes import theme_named

        try:
            theme_named(value.value, read.table(OWN_THEMES))
        except ValueError as error:
            yield Problem(value.origin.place, f": {error}")


# The environment.

_GUARDS = frozenset(field.name for field in plain_fields(TOP))


def environment_layer(environ: Mapping[str, str]) -> tuple[Layer, tuple[Problem, ...]]:
    """Return what the variables set, and what is wrong with them."""
    known = {variable_of(field): field for field in plain_fields()}
    values = {}
    problems: list[Problem] = []
    for name in own_variables(environ):
        if name not in known:
            problems += _misspelt(name, known)
            continue
        field = known[name]
        try:
            value = _variable_value(field, environ[name])
        except ValueError as error:
            is_guard = field.name in _GUARDS
            problems.append(Problem(name, f" {error}", hides_guards=is_guard))
            continue
        if value is not None:
            values[field.name] = LayeredValue(
                value, Origin(LayerKind.ENVIRONMENT, name)
            )
    return Layer(LayerKind.ENVIRONMENT, values), tuple(problems)


def own_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that may set a value."""
    return [
        name
        for name in sorted(environ)
        if name.startswith(VARIABLE_PREFIX) and name != VARIABLE
    ]


def _variable_value(field: Field, text: str) -> Any:
    """Return the value of a variable; None for an empty one, which no guard may be."""
    if text.strip():
        return from_text(field, text)
    if field.setting and field.setting.is_guard:
        raise ValueError("is empty: give it a value, or unset it")
    return None


def _misspelt(name: str, known: Mapping[str, Field]) -> Iterator[Problem]:
    """Yield a problem if the variable looks like one of ours: a misspelt guard guards nothing."""
    from difflib import get_close_matches

    if matches := get_close_matches(name, tuple(known), 1, _LIKENESS):
        yield Problem(
            name,
            " sets nothing",
            f"Did you mean {matches[0]}?",
            hides_guards=known[matches[0]].name in _GUARDS,
        )


_LIKENESS = 0.85
"""Least likeness of a misspelt variable: PGTOP_READONLY has 0.97 to PGTOP_READ_ONLY."""
