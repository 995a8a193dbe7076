"""The lines of the help screen, made from the declarations of the keys, columns and filter keys."""

from pgtop.actions import ACTIONS, Group
from pgtop.table.columns import COLUMNS
from pgtop.table.language.help import FILTER_HELP
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.banner import FREE, LETTERS, RESERVED, UNSEEN

_KEYS = 14  # cells for the keys of an action, a column's name, a filter's key


def help_lines(width: int, read_only: bool) -> list[Line]:
    """Return the keys, the letters of the bar, the filter language and the columns."""
    lines: list[Line] = []
    for group in Group:
        actions = [a for a in ACTIONS if a.group is group and not (read_only and a.dangerous)]
        keys = [(" ".join(action.key_names), action.title) for action in actions]
        lines += _section(group, keys, width)
    filters = [(entry.example, entry.meaning) for entry in FILTER_HELP]
    columns = [(column.name, column.meaning) for column in COLUMNS]
    lines += _section("The bar", letters(), width)
    lines += _section("Filter", filters, width, keys=24)
    lines += _section("Columns", columns, width)
    return lines


def letters() -> list[tuple[str, str]]:
    """Return the letters of the bar, each with the slots that it stands for."""
    used = [(letter, state) for state, (letter, _) in LETTERS.items()]
    return [
        *used,
        (UNSEEN, "in use, state hidden from this role"),
        (FREE, "free for ordinary roles"),
        (RESERVED, "free, but reserved"),
    ]


def _section(title: str, rows: list[tuple[str, str]], width: int, keys: int = _KEYS) -> list[Line]:
    if not rows:
        return []
    lines = [line(title, Tone.STRONG)]
    for name, meaning in rows:
        spans = (Span(f"  {name:<{keys}} ", Tone.NOTICE), Span(meaning, Tone.PLAIN))
        lines += wrapped(spans, width, indent=keys + 3)
    return [*lines, ()]
