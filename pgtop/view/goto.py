"""The sentences of `:`, which goes to a row by its number or to a session by its pid."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import IDLE
from pgtop.table.options import IdleRows, TableOptions
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, as_far_as_fits
from pgtop.view.filter_field import text_with_cursor

_PROMPT = ": "
LONGEST = 10
"""Digits of the longest pid, and more than any table has rows."""


def goto_line(text: str, cursor: int, width: int) -> Line:
    """Return the field with the colon before it, and what may be typed."""
    field = text_with_cursor(text, cursor, max(1, width - len(_PROMPT)))
    words = (
        f"  pid, row, or time: 03:12, -5m   {hint('open')} go  {hint('clear')} leave"
    )
    line = (Span(_PROMPT, Tone.STRONG), *field, Span(words, Tone.QUIET))
    return as_far_as_fits(line, width)


def number_in(text: str) -> int | None:
    """Return the number that the user typed; None for anything else."""
    digits = text.strip().removeprefix(":").strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST
    return int(digits) if is_number else None


def no_number(text: str) -> str:
    """Return what to type instead of a text that is no number."""
    return f"“{clean(text.strip())}” is no number: type a pid, the number of a row, or a time"


def nowhere(number: int, rows: int) -> str:
    """Return why there is nowhere to go."""
    nouns = "row" if rows == 1 else "rows"
    return (
        f"no session {number}; {rows} {nouns} here" if rows else f"no session {number}"
    )


def hidden(pid: int, derived: DerivedSnapshot, options: TableOptions) -> str:
    """Return why the sessions view does not show this session, and the key that does; "" if there
    is no such session.
    """
    backend = derived.snapshot.at(pid)
    if backend is None:
        return ""
    if not options.filter.matches(backend, derived):
        text = clean(options.filter.text)
        return f"{pid} does not match the filter {text}: {hint('clear')} clears it"
    if backend.state == IDLE and options.idle is not IdleRows.ALL:
        way = f"{hint('toggle_idle')} goes round to all of them"
        return f"{pid} is idle, and idle sessions are {options.idle}: {way}"
    key = hint("toggle_background")
    return f"{pid} is a background process: {key} shows background processes"
