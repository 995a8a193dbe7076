"""The tables of the help topics, made from the declarations that the program itself reads. Heavy modules load late."""

import argparse
from collections.abc import Iterable, Mapping

from pgtop.actions import ACTIONS, Action, Group
from pgtop.cli.exit_codes import Check, Exit
from pgtop.help.markdown import table
from pgtop.help.topics import Inserts

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
    rows = [key_row(action) for action in ACTIONS if action.group is group]
    return f"## {group.value}\n\n{table(('key', 'what it does'), rows)}"


def key_row(action: Action) -> tuple[str, str]:
    """Return the keys of an action, and what it does."""
    return " ".join(f"`{key}`" for key in action.key_names), action.title


def letters() -> str:
    """Return the letters of the bar."""
    from pgtop.view.help import letters

    rows = [(f"`{letter}`", meaning) for letter, meaning in letters()]
    return table(("letter", "slots"), rows)


def filter_forms() -> str:
    """Return the forms of the filter language."""
    from pgtop.table.language.help import FILTER_HELP
    from pgtop.table.language.keys import KEYS

    rows = [(f"`{entry.example}`", entry.meaning) for entry in FILTER_HELP if entry.name not in KEYS]
    return table(("write", "meaning"), rows)


def filter_keys() -> str:
    """Return the keys of the filter language."""
    from pgtop.table.language.keys import KEYS

    rows = [(f"`{key.name}`", f"`{key.example}`", key.meaning) for key in KEYS.values()]
    return table(("key", "example", "meaning"), rows)


def columns() -> str:
    """Return the columns of the sessions."""
    from pgtop.table.columns import COLUMNS

    rows = [
        (f"`{column.name}`", column.title.strip(), column.meaning + (" (with `w`)" if column.on_request else ""))
        for column in COLUMNS
    ]
    return table(("name", "heading", "meaning"), rows)


def exit_codes() -> str:
    """Return the exit codes of all commands."""
    return table(("code", "meaning"), [(str(code.value), code.meaning) for code in Exit])


def check_codes() -> str:
    """Return the exit codes of a check."""
    return table(("code", "meaning"), [(str(code.value), meaning) for code, meaning in _CHECKS.items()])


def options() -> str:
    """Return the options of each command, without those that all share."""
    from pgtop.cli.args.options import parsers

    parts = []
    for name, parser in parsers().items():
        shared = ("Program", "Connection")
        groups = [group for group in parser._action_groups if not (group.title or "").startswith(shared)]
        rows = [row for group in groups for row in _option_rows(group._group_actions)]
        if rows:
            parts.append(f"### {f'pgtop {name}'.strip()}\n\n{table(('option', 'meaning'), rows)}")
    return "\n".join(parts)


def connection_options() -> str:
    """Return the options that name the server."""
    from pgtop.cli.args.options import parsers

    groups = parsers()[""]._action_groups
    connection = next(group for group in groups if (group.title or "").startswith("Connection"))
    return table(("option", "meaning"), list(_option_rows(connection._group_actions)))


def _option_rows(actions: Iterable[argparse.Action]) -> Iterable[tuple[str, str]]:
    for action in actions:
        value = f" {action.metavar}" if action.metavar and action.nargs != 0 else ""
        names = ", ".join(f"`{name}{value}`" for name in action.option_strings)
        yield names or f"`{action.metavar}`", " ".join((action.help or "").split())


INSERTS: Inserts = {
    "keys": keys,
    "letters": letters,
    "filter forms": filter_forms,
    "filter keys": filter_keys,
    "columns": columns,
    "exit codes": exit_codes,
    "check codes": check_codes,
    "options": options,
    "connection options": connection_options,
}
"""The tables by the name in their mark."""
