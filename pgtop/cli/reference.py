"""The tables of the help topics, made from the declarations that the program itself reads.

Heavy modules load late.
"""

import argparse
from collections.abc import Iterator, Mapping

from pgtop.actions import Action, Group
from pgtop.cli.exit_codes import Check, Exit
from pgtop.config.keymap import PRESETS, keymap_from
from pgtop.config.schema import Field
from pgtop.config.tables import (
    ACTIONS,
    DISPLAY,
    SERVERS,
    TABLES,
    TOP,
    VIEWS,
    help_of,
    plain_fields,
)
from pgtop.config.values import described
from pgtop.help.markdown import table
from pgtop.help.topics import TopicFacts
from pgtop.places import EVERYWHERE
from pgtop.view_registry import KEYMAP

_CODE_HEAD = ("code", "meaning")
_CHECKS: Mapping[Check, str] = {
    Check.OK: "OK",
    Check.WARNING: "WARNING",
    Check.CRITICAL: "CRITICAL, also when no slot was free for the check itself",
    Check.UNKNOWN: "UNKNOWN: any failure of the check, from a misspelt option to a bug",
}


def keys() -> str:
    """Return the keys of the dashboard, a table for each group."""
    return "\n".join(_keys_of(group) for group in Group)


def _keys_of(group: Group) -> str:
    actions = [action for action in KEYMAP.actions if action.group is group]
    rows = [(*key_row(action), _id_of(action)) for action in actions]
    keys_table = table(("key", "what it does", "id in `[keys]`"), rows)
    return f"## {group.value}\n\n{keys_table}"


def _id_of(action: Action) -> str:
    """Return the id by which a configuration gives an action other keys; "" if it cannot."""
    is_fixed = action.in_dialogs or action.id in EVERYWHERE
    return "" if is_fixed else f"`{action.id}`"


def presets() -> str:
    """Return the keys by which each preset differs."""
    names = [name for name, keys in PRESETS.items() if keys]
    ids = dict.fromkeys(each for name in names for each in PRESETS[name])
    rows = []
    for action_id in ids:
        cells = [_keys_in(name, action_id) for name in names]
        rows.append((f"`{action_id}`", *cells))
    return table(("id", *names), rows)


def _keys_in(preset: str, action_id: str) -> str:
    if action_id not in PRESETS[preset]:
        return ""
    keymap = keymap_from({"preset": preset})
    return " ".join(f"`{name}`" for name in keymap.action(action_id).key_names)


def key_row(action: Action) -> tuple[str, str]:
    """Return the keys of an action, and what it does."""
    names = " ".join(f"`{key}`" for key in action.key_names)
    return names, action.title


def letters() -> str:
    """Return the letters of the bar."""
    from pgtop.view.help import letters

    rows = [(f"`{letter}`", meaning) for letter, meaning in letters()]
    return table(("letter", "slots"), rows)


def filter_forms() -> str:
    """Return the forms of the filter language."""
    from pgtop.table.language.help import FILTER_HELP
    from pgtop.table.language.keys import KEYS

    rows = [
        (f"`{entry.example}`", entry.meaning)
        for entry in FILTER_HELP
        if entry.name not in KEYS
    ]
    return table(("write", "meaning"), rows)


def filter_keys() -> str:
    """Return the keys of the filter language."""
    from pgtop.table.language.keys import KEYS

    rows = [(f"`{key.name}`", f"`{key.example}`", key.meaning) for key in KEYS.values()]
    return table(("key", "example", "meaning"), rows)


def columns() -> str:
    """Return the columns of the sessions."""
    from pgtop.table.session_columns import COLUMNS

    toggle = key_of("toggle_columns")
    rows = []
    for column in COLUMNS:
        extra = f" (with `{toggle}`)" if column.on_request else ""
        heading = column.title.strip()
        rows.append((f"`{column.name}`", heading, column.meaning + extra))
    return table(("name", "heading", "meaning"), rows)


def exit_codes() -> str:
    """Return the exit codes of all commands."""
    rows = [(str(code.value), code.meaning) for code in Exit]
    return table(_CODE_HEAD, rows)


def check_codes() -> str:
    """Return the exit codes of a check."""
    rows = [(str(code.value), meaning) for code, meaning in _CHECKS.items()]
    return table(_CODE_HEAD, rows)


def options() -> str:
    """Return the options of all commands but those for connecting; shared ones stand once."""
    from pgtop.cli.args.options import parsers

    commands: dict[str, list[str]] = {}
    named = parsers()
    for name, parser in named.items():
        groups = [group for group in parser._action_groups if not _is_shared(group)]
        for group in filter(_has_options, groups):
            rows = table(_OPTION_HEAD, list(_option_rows(group)))
            title = f"pgtop {name}".strip()
            commands.setdefault(rows, []).append(f"`{title}`")
    parts = []
    for rows, names in commands.items():
        is_of_all = len(names) == len(named)
        title = "Every command" if is_of_all else ", ".join(names)
        parts.append(f"{title}:\n\n{rows}")
    return "\n".join(parts)


def connection_options() -> str:
    """Return the options that name the server."""
    from pgtop.cli.args.options import parsers

    dashboard = parsers()[""]
    connection = next(
        group for group in dashboard._action_groups if _is_connection(group)
    )
    return table(_OPTION_HEAD, list(_option_rows(connection)))


def wait_classes() -> str:
    """Return the usual meaning of each class of waits, and the place to look at next."""
    from pgtop.view.wait_words import CLASS_WORDS

    rows = [
        (f"`{kind}`", words.meaning, words.next) for kind, words in CLASS_WORDS.items()
    ]
    return table(("class", "what it usually means", "what to look at next"), rows)


def config_guards() -> str:
    """Return the keys of the configuration that stand above all tables."""
    return _config_keys(plain_fields(TOP))


def config_display() -> str:
    """Return the keys of [display]."""
    return _config_keys(plain_fields(DISPLAY))


def config_servers() -> str:
    """Return the keys of [servers.NAME]."""
    return _record_keys(SERVERS)


def config_views() -> str:
    """Return the keys of [views.NAME]."""
    return _record_keys(VIEWS)


def config_actions() -> str:
    """Return the keys of [actions.NAME]."""
    return _record_keys(ACTIONS)


def _config_keys(keys: Iterator[Field]) -> str:
    rows = [(f"`{key.name}`", described(key, help_of(key))) for key in keys]
    return table(("key", "meaning"), rows)


def _record_keys(name: str) -> str:
    rows = [
        (f"`{key.name}`", described(key, help_of(key))) for key in TABLES[name].fields
    ]
    return table(("key", "meaning"), rows)


_OPTION_HEAD = ("option", "meaning")
_Group = argparse._ArgumentGroup


def _is_shared(group: _Group) -> bool:
    return group.title == "Program" or _is_connection(group)


def _has_options(group: _Group) -> bool:
    return any(action.option_strings for action in group._group_actions)


def _is_connection(group: _Group) -> bool:
    title = group.title or ""
    return title.startswith("Connection")


def _option_rows(group: _Group) -> Iterator[tuple[str, str]]:
    for action in group._group_actions:
        names = _option_names(action) or f"`{action.metavar}`"
        words = (action.help or "").split()
        yield names, " ".join(words)


def _option_names(action: argparse.Action) -> str:
    """Return the spellings of an option with its value; nothing for a word without an option."""
    has_value = action.metavar and action.nargs != 0
    value = f" {action.metavar}" if has_value else ""
    return ", ".join(f"`{name}{value}`" for name in action.option_strings)


def key_of(action: str) -> str:
    """Return the first key of an action."""
    return KEYMAP.hint(action)


FACTS = TopicFacts(
    inserts={
        "keys": keys,
        "presets": presets,
        "letters": letters,
        "filter forms": filter_forms,
        "filter keys": filter_keys,
        "columns": columns,
        "exit codes": exit_codes,
        "check codes": check_codes,
        "options": options,
        "connection options": connection_options,
        "wait classes": wait_classes,
        "config guards": config_guards,
        "config display": config_display,
        "config servers": config_servers,
        "config views": config_views,
        "config actions": config_actions,
    },
    key_of=key_of,
)
"""What the topics take from the program."""
