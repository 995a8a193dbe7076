"""Values and whole files as TOML: for `pgtop config show` and `pgtop config init`."""

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from pgtop.config.schema import Field
from pgtop.config.tables import DISPLAY, TABLES, TOP, help_of, plain_fields, variable_of
from pgtop.config.values import expectation

_WIDTH = 90
_HEAD = """\
# pgtop's configuration. Each line that begins with # changes nothing; take the # away.
# `pgtop help config` explains it, `pgtop config check` checks it, and
# `pgtop config show` prints each value with its origin.
# No layer takes away a guard that another has set.
"""


def toml_value(value: object) -> str:
    """Return a value as TOML has it. A text is printable, as the reader makes sure."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, tuple | list):
        items = ", ".join(map(toml_value, value))
        return f"[{items}]"
    return json.dumps(str(value), ensure_ascii=False)


def template() -> str:
    """Return a file with every key as a comment."""
    return "\n".join([_HEAD, *_keys(TOP), *_display(), *_tables()])


def _keys(section: str) -> Iterator[str]:
    for field in plain_fields(section):
        yield from _key(field)


def _key(field: Field) -> Iterator[str]:
    yield from wrap(help_of(field), _WIDTH, initial_indent="# ", subsequent_indent="# ")
    yield f"# It is {expectation(field)}; {variable_of(field)} sets it too."
    yield f"#{field.name} = {toml_value(_default(field))}\n"


def _default(field: Field) -> Any:
    return "" if field.default is None else field.default


def _display() -> Iterator[str]:
    yield f"[{DISPLAY}]\n"
    yield from _keys(DISPLAY)


def _tables() -> Iterator[str]:
    for table in TABLES.values():
        yield f"# {table.help[:1].upper()}{table.help[1:]}."
        for line in table.example.splitlines():
            yield f"#{line}"
        yield ""
