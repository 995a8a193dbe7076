"""The lines of keys, compared with what tomllib reads from the same document."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.config.lines import KeyPath, key_lines, line_of

_DOCUMENT = '''\
# read_only = true
read_only = true
"quoted \\u0041 key" = 1
protect = [
    "user:replicator",  # a comment with ] and "
    \'\'\'
    decoy = 1\'\'\',
]
[display]
theme = "dark"
text = """
[decoy]
x = 1"""
[ servers . prod ]
uri = "postgresql://db1/#[x]"
display.warn = 50
display.theme = 'light'
point = { x = 1.5, y = { z = "}" },
'''.replace("},\n", "} }\n")


def test_each_key_has_its_line() -> None:
    assert key_lines(_DOCUMENT) == {
        ("read_only",): 2,
        ("quoted A key",): 3,
        ("protect",): 4,
        ("display",): 9,
        ("display", "theme"): 10,
        ("display", "text"): 11,
        ("servers",): 14,
        ("servers", "prod"): 14,
        ("servers", "prod", "uri"): 15,
        ("servers", "prod", "display"): 16,
        ("servers", "prod", "display", "warn"): 16,
        ("servers", "prod", "display", "theme"): 17,
        ("servers", "prod", "point"): 18,
        ("servers", "prod", "point", "x"): 18,
        ("servers", "prod", "point", "y"): 18,
        ("servers", "prod", "point", "y", "z"): 18,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [(("servers", "prod", "absent"), 14), (("servers", "absent"), 14), (("no",), 0)],
)
def test_an_absent_key_has_the_line_of_its_table(path: KeyPath, line: int) -> None:
    assert line_of(_DOCUMENT, path) == line


_NAMES = st.text(min_size=1, max_size=4) | st.sampled_from(["a", "b", "c-d", "[x]"])
_TEXTS = st.text(max_size=8).filter(lambda text: "\x7f" not in text)
_SCALARS = st.booleans() | st.integers(-9, 9) | _TEXTS | st.floats(-9, 9)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


def _quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _inline(value: Any, break_: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        items = [f"{break_}{_inline(each, break_)}" for each in value]
        return f"[{','.join(items)}{break_}]"
    if isinstance(value, dict):
        pairs = [f"{_quoted(key)} = {_inline(each, '')}" for key, each in value.items()]
        return f"{{ {', '.join(pairs)} }}"
    return repr(value)


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*path, key)
            yield from _paths(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each, path)


_BREAKS = st.sampled_from(["", "\n", "  # = ] } [\n", "\r\n"])


@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=3)), _BREAKS)
def test_every_key_of_a_document_is_on_its_line(
    document: dict[str, dict[str, Any]], break_: str
) -> None:
    """The scanner finds the keys that tomllib finds, each on a line that begins with it."""
    rows = []
    for table, values in document.items():
        rows.append(f"[{_quoted(table)}]")
        rows += [
            f"{_quoted(key)} = {_inline(value, break_)}"
            for key, value in values.items()
        ]
    text = "\n".join(rows)
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # lone surrogates
        return
    lines = key_lines(text)
    assert lines.keys() == set(_paths(read))
    rows = text.split("\n")
    for table, values in document.items():
        for key in values:
            assert rows[lines[table, key] - 1].startswith(f"{_quoted(key)} = ")
