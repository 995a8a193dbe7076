"""The lines of the help screen, made from the declarations of the keys, columns and filter keys."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pgtop.actions import Action, Group
from pgtop.table.language.help import FORMS, KEY_ENTRIES, HelpEntry
from pgtop.table.session_columns import COLUMNS
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.slot_words import FREE, LETTERS, RESERVED, UNSEEN

Rows: TypeAlias = Sequence[tuple[str, str]]

_KEYS = 14
"""Cells for the keys of an action and the heading of a column."""
_EXAMPLE = 24
"""Cells for an example of the filter language."""

_MARKS = (
    ("!", "warning: the ordinary slots are nearly used up"),
    ("!!", "alarm: the ordinary slots are used up, or almost"),
)
"""The marks before the numbers beside the bar."""
_LOCK_SIGNS = (
    ("2/3", "under BLOCKS: it blocks 2 sessions directly, and 3 in all"),
    ("+3", "3 waiters are folded away"),
    ("~", "the time since its state changed, as the server does not report the wait"),
)
"""What the locks view shows beside its columns."""


def help_lines(actions: Iterable[Action], width: int, read_only: bool) -> list[Line]:
    """Return keys, the bar's letters, the filter language and the columns, at `width` cells."""
    offered = [action for action in actions if not (read_only and action.dangerous)]
    lines: list[Line] = []
    for group in Group:
        rows = [_action_row(action) for action in offered if action.group is group]
        lines += _section(group, rows, width)
    lines += _section("The bar", [*letters(), *_MARKS], width)
    lines += _section("Locks", _LOCK_SIGNS, width)
    lines += _section("Filter: forms", _examples(FORMS), width, keys=_EXAMPLE)
    lines += _section("Filter: keys", _examples(KEY_ENTRIES), width, keys=_EXAMPLE)
    columns = [(column.title, column.meaning) for column in COLUMNS]
    lines += _section("Columns", columns, width)
    return lines


def _examples(entries: Iterable[HelpEntry]) -> Rows:
    return [(entry.example, entry.meaning) for entry in entries]


def _action_row(action: Action) -> tuple[str, str]:
    return " ".join(action.key_names), action.title


def letters() -> list[tuple[str, str]]:
    """Return the letters of the bar, each with the slots that it stands for."""
    used = [(letter, state) for state, (letter, _) in LETTERS.items()]
    return [
        *used,
        (UNSEEN, "in use, state hidden from this role"),
        (FREE, "free for ordinary roles"),
        (RESERVED, "free, but reserved"),
    ]


def _section(title: str, rows: Rows, width: int, keys: int = _KEYS) -> list[Line]:
    if not rows:
        return []
    lines = [line(title, Tone.STRONG)]
    indent = keys + 3
    for name, meaning in rows:
        first = Span(f"  {name:<{keys}} ", Tone.NOTICE)
        text = Span(meaning, Tone.PLAIN)
        if cells(name) <= keys:
            lines += wrapped((first, text), width, indent)
        else:
            lines += wrapped(line(f"  {name}", Tone.NOTICE), width)
            lines += wrapped((Span(" " * indent, Tone.PLAIN), text), width, indent)
    return [*lines, ()]
