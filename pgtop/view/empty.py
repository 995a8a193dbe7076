"""The lines in place of rows: why a table is empty, and the keys that lead on; and below the rows,
what this role cannot see.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pgtop.analysis.budget import Budget
from pgtop.keys import hint
from pgtop.model.server import Server
from pgtop.signalling.rights import grant
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line, line, wrapped

_INDENT = 4
_INDENT_FROM = 60
"""Cells of screen from which the lines are indented."""
_KEY = 5


class Way(NamedTuple):
    """A key that leads on from an empty table."""

    action: str
    """The id of the action."""
    words: str
    short: str
    """The words in the footer."""


class EmptyState(NamedTuple):
    """The reasons why a table has no rows, and the ways on."""

    subject: str
    """The kind of row, in the singular."""
    filter_text: str = ""
    reasons: tuple[str, ...] = ()
    """Sentences about rows that are not shown."""
    ways: tuple[Way, ...] = ()


CLEAR = Way("clear", "clear the filter", "clear")
EDIT = Way("filter", "edit it", "edit")


def not_shown_words(count: int, one: str, many: str) -> str:
    """Return a sentence about rows that match, but are of a kind that is hidden."""
    verb = "does" if count == 1 else "do"
    noun = one if count == 1 else many
    return f"{count} {noun} {verb}; {many} are hidden."


def empty_lines(state: EmptyState, width: int, height: int) -> list[Line]:
    """Return the lines of an empty table, with blank ones between them where there is room."""
    indent = _INDENT if width >= _INDENT_FROM else 1
    blocks = [_title_block(state), *_reason_blocks(state), _way_block(state.ways)]
    wrapped_blocks = [_indented(block, width, indent) for block in blocks if block]
    count = sum(map(len, wrapped_blocks))
    is_airy = count + len(wrapped_blocks) <= height
    lines: list[Line] = []
    for block in wrapped_blocks:
        lines += [(), *block] if is_airy else block
    return lines


def _indented(block: Sequence[Line], width: int, indent: int) -> list[Line]:
    blank = Span(" " * indent, Tone.PLAIN)
    lines: list[Line] = []
    for spans in block:
        lines += wrapped((blank, *spans), width, indent)
    return lines


def _title_block(state: EmptyState) -> list[Line]:
    if not state.filter_text:
        return [line(f"No {state.subject} to show.", Tone.STRONG)]
    text = clean(state.filter_text)
    title = Span(f"No {state.subject} matches", Tone.STRONG)
    return [(title, Span(f" {text}.", Tone.PLAIN))]


def _reason_blocks(state: EmptyState) -> list[list[Line]]:
    return [[line(reason) for reason in state.reasons]]


def _way_block(ways: Sequence[Way]) -> list[Line]:
    return [_way_line(hint(way.action), way.words) for way in ways]


def _way_line(key: str, words: str) -> Line:
    room = " " * max(1, _KEY - cells(key))
    return (Span(key, Tone.STRONG), Span(f"{room}{words}", Tone.PLAIN))


def hidden_lines(budget: Budget, server: Server, width: int) -> list[Line]:
    """Return what the role cannot see, and the grant that would show it; nothing if it sees all."""
    if not budget.hidden:
        return []
    sessions = counted(budget.hidden, "session")
    words = f"This role sees neither state nor query of {sessions}."
    remedy = clean(grant(server, "pg_read_all_stats"))
    spans = (Span("To see them: ", Tone.QUIET), Span(remedy, Tone.NOTICE))
    block = [line(words, Tone.QUIET), spans]
    return [(), *_indented(block, width, 1)]
