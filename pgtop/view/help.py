"""The lines of the help screen, made from the declarations of the keys, columns and filter keys."""

from collections.abc import Iterable, Sequence

from pgtop.actions import Action, Group
from pgtop.table.language.help import FILTER_HELP
from pgtop.table.session_columns import COLUMNS
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.banner import FREE, LETTERS, RESERVED, UNSEEN

_KEYS = 14  # cells for the keys of an action, a column's name, a filter's key

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
    examples = [(entry.example, entry.meaning) for entry in FILTER_HELP]
    lines += _section("Filter", examples, width, keys=24)
    columns = [(column.name, column.meaning) for column in COLUMNS]
    lines += _section("Columns", columns, width)
    return lines


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


def _section(
    title: str, rows: Sequence[tuple[str, str]], width: int, keys: int = _KEYS
) -> list[Line]:
    if not rows:
        return []
    lines = [line(title, Tone.STRONG)]
    for name, meaning in rows:
        spans = (Span(f"  {name:<{keys}} ", Tone.NOTICE), Span(meaning, Tone.PLAIN))
        lines += wrapped(spans, width, indent=keys + 3)
    return [*lines, ()]
