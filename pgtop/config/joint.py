"""Mistakes of several layers together, in which each value is right by itself."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pgtop.config.checking import mistakes_of
from pgtop.config.layers import LayeredValue, Origin, merge, values_of
from pgtop.config.load import Configuration
from pgtop.config.mistakes import advice_of, keys_of, one_of
from pgtop.config.settings import THEMES
from pgtop.config.tables import (
    ACTIONS,
    DISPLAY,
    KEYS,
    OWN_THEMES,
    SERVERS,
    TABLES,
    VIEWS,
    FileTable,
    plain_fields,
    screen_fields,
)
from pgtop.config.toml_file import Problem
from pgtop.config.views import BUILT_IN_NAMES


def joint_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each record and table that the files together make wrong."""
    yield from _view_problems(read)
    yield from _same_names(read)
    yield from _level_problems(read)
    yield from _key_problems(read)
    for table in TABLES.values():
        if table.record:
            yield from _record_problems(read, table)
            continue
        for mistake in mistakes_of(table, read.table(table.name)):
            place = _place_of(read, table.name, mistake.keys)
            yield Problem(
                place,
                f": {mistake}",
                mistake.advice,
            )
    yield from _theme_problems(read)


def _place_of(read: Configuration, table: str, keys: tuple[str, ...]) -> str:
    """Return the place of a mistake in a table that several files or a variable make up."""
    owners = [file for file in read.files if file.tables[table]]
    if owners:
        return owners[-1].origin(table, *keys).place
    values = read.own_values(table).values()
    return next(value.origin.place for value in values)


def _view_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each view that opens first and does not exist."""
    names = view_names(read)
    places = [merge(plain_fields(DISPLAY), read.layers)["view"]]
    places += [
        read.values(TABLES[SERVERS], name)["view"] for name in read.names(SERVERS)
    ]
    for value in places:
        if value.value and value.value.lower() not in names:
            yield _unknown_name(
                value.origin,
                "view",
                value.value,
                names,
            )


def _same_names(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each view whose name differs from that of another in case only."""
    owners: dict[str, str] = {}
    for name in read.names(VIEWS):
        other = owners.setdefault(name.lower(), name)
        if other != name:
            place = read.origin(VIEWS, name).place
            what = f": [{VIEWS}.{name}] has the name of [{VIEWS}.{other}]"
            yield Problem(
                place,
                what,
                "Choose another name.",
            )


def _level_problems(read: Configuration) -> Iterator[Problem]:
    """Yield a problem for each warning that comes after its alarm, of a named server, too."""
    fields = [field for field in screen_fields() if field.name in _LEVELS]
    shared = merge(fields, read.layers)
    places = [shared]
    for name in read.names(SERVERS):
        own = read.values(TABLES[SERVERS], name)[DISPLAY]
        values = {
            key: LayeredValue(
                value,
                own.origin,
            )
            for key, value in own.value.items()
            if key in _LEVELS
        }
        if values:
            places.append({**shared, **values})
    for levels in places:
        warn, alarm = levels["warn"], levels["alarm"]
        if warn.value > alarm.value:
            what = f": warn {warn.value:g} is above alarm {alarm.value:g}"
            origin = warn.origin if warn.is_set else alarm.origin
            yield Problem(
                origin.place,
                what,
                "The warning must come first.",
            )


_LEVELS = ("warn", "alarm")


def view_names(read: Configuration) -> tuple[str, ...]:
    """Return what a view can be called: its id, its label, or the name of its table."""
    own = map(str.lower, read.names(VIEWS))
    return tuple(dict.fromkeys([*BUILT_IN_NAMES, *own]))


def _unknown_name(origin: Origin, key: str, name: str, names: Iterable[str]) -> Problem:
    what = f": there is no {key} {name!r}"
    return Problem(origin.place, what, one_of(name, names))


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
            place = read.origin(ACTIONS, name, "key").place
            what = f": key cannot be {written}: it stands for {owners[key]}"
            yield Problem(
                place,
                what,
                "Choose another key.",
            )
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
            keys = keys_of(error)
            place = read.origin(table.name, name, *keys).place
            words = " ".join((*keys, str(error)))
            what = words if keys else f"[{table.name}.{name}] {error}"
            yield Problem(place, f": {what}", advice_of(error))


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
            yield Problem(value.origin.place, f": {error}", advice_of(error))
