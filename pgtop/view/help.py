"""The help of a screen: the keys that work there in four groups, its signs, and below them the
filter language and the columns.

Made from the declarations of keys, columns and filter keys.
"""

from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from pgtop import __version__
from pgtop.actions import Action, Group
from pgtop.table.language.help import FORMS, KEY_ENTRIES, HelpEntry
from pgtop.table.layout import section_line
from pgtop.text.clean import cells, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, fitted, line, line_cells, wrapped
from pgtop.view.signs import Sign, Signs
from pgtop.view.slot_words import FREE, LETTERS, RESERVED, UNSEEN

Rows: TypeAlias = Sequence[tuple[str, str]]
Block: TypeAlias = Sequence[Line]

_KEYS = 7
"""Cells for the keys of an action in a column."""
_SIGN = 13
"""Cells for a sign."""
_NAMES = 14
"""Cells for the heading of a column."""
_EXAMPLE = 24
"""Cells for an example of the filter language."""
_GAP = 3
_COLUMNS = ((110, 4), (76, 3), (52, 2))
"""The columns of keys from a width on."""
_TOGETHER: Mapping[tuple[str, ...], str] = {
    ("cursor_up", "cursor_down"): "up, down",
    ("page_up", "page_down"): "a page",
    ("cursor_first", "cursor_last"): "first, last",
    ("scroll_left", "scroll_right"): "columns",
    ("sort_left", "sort_right"): "neighbour column",
    ("slower", "faster"): "interval",
    ("step_back", "step_forward"): "past: sample",
    ("minute_back", "minute_forward"): "past: minute",
    ("event_back", "event_forward"): "past: event",
}
"""Pairs of actions that have one line, and its words."""

_IN_DIALOG = "in a dialog: "
_RARE = ("toggle_cost", "redraw", "suspend", "leave")
"""Actions that stand in a list below the columns."""
_MASONRY = 3
"""The number of columns in which the signs stand below the second and the third."""


class HelpTopic(NamedTuple):
    """The subject of a help: a screen with its keys, signs and columns."""

    title: str
    """The name of the screen."""
    actions: tuple[Action, ...] = ()
    """The actions that work there."""
    words: Mapping[str, str] = {}
    """The words for actions that mean something of their own there, by id."""
    dialog_actions: tuple[Action, ...] = ()
    """The answers to the dialogs that open from there."""
    signs: Signs = ()
    columns: Rows = ()
    """Headings with their meanings."""
    is_filtered: bool = False
    """True if the screen takes the filter language of the sessions."""
    is_of_field: bool = False
    """True if a filter is being typed: its language comes first."""


def help_lines(topic: HelpTopic, width: int, search: str = "") -> list[Line]:
    """Return the help at `width` cells; with a search, all lines in which each word occurs."""
    if search.split():
        return _matches(topic, width, search.lower().split())
    language = [*_filter_language(topic, width)]
    keys = [*_keys_and_signs(topic, width), *_key_lists(topic, width)]
    lines = [*language, *keys] if topic.is_of_field else [*keys, *language]
    return [*lines, *wrapped(line(_promise(), Tone.QUIET), width)]


def _key_lists(topic: HelpTopic, width: int) -> Iterator[Line]:
    """Yield the keys that stand below each other: views, keys that work everywhere, answers."""
    answers = [
        (_keys_of(each), each.title.removeprefix(_IN_DIALOG))
        for each in topic.dialog_actions
    ]
    rare = [(_keys_of(each), each.title) for each in topic.actions if each.id in _RARE]
    views = [(_keys_of(each), each.title) for each in topic.actions if _is_view(each)]
    yield from _section(
        "Views",
        views,
        width,
        keys=_NAMES,
    )
    yield from _section(
        "Everywhere",
        rare,
        width,
        keys=_NAMES,
    )
    yield from _section(
        "In a dialog",
        answers,
        width,
        keys=_NAMES,
    )


def _filter_language(topic: HelpTopic, width: int) -> Iterator[Line]:
    """Yield the forms of the filter language, its keys, and the columns, which are keys too."""
    if topic.is_filtered or topic.is_of_field:
        yield from _section(
            "Filter: forms",
            _examples(FORMS),
            width,
            keys=_EXAMPLE,
        )
    if topic.is_filtered:
        yield from _section(
            "Filter: keys",
            _examples(KEY_ENTRIES),
            width,
            keys=_EXAMPLE,
        )
    yield from _section(
        "Columns",
        topic.columns,
        width,
        keys=_NAMES,
    )


def _promise() -> str:
    rest = "every signal goes through a dialog and into the audit log"
    return f"pgtop {__version__} only reads; {rest}"


def title_line(
    topic: HelpTopic,
    search_key: str,
    back_key: str,
    width: int,
) -> Line:
    """Return the title of the help, and the two keys that lead on from it."""
    name = f"the filter of {topic.title}" if topic.is_of_field else topic.title
    title = Span(f"Help: {name}", Tone.STRONG)
    hint = Span(f"   {search_key} finds a key", Tone.QUIET)
    back = (Span(back_key, Tone.STRONG), Span(" back", Tone.QUIET))
    used = line_cells((title, hint, *back))
    room = Span(" " * max(1, width - used), Tone.PLAIN)
    return fitted((title, hint, room, *back), width)


# Groups of keys, side by side.


def _keys_and_signs(topic: HelpTopic, width: int) -> Iterator[Line]:
    count = next((count for least, count in _COLUMNS if width >= least), 1)
    room = (width - _GAP * (count - 1)) // count
    look, end, go, order = (_group_block(topic, group, room) for group in Group)
    if count == _MASONRY:
        rest = width - room - _GAP
        right = [*_beside((end, go), room, rest - room - _GAP), ()]
        right += _sign_block(topic.signs, rest)
        yield from _beside(([*look, (), *order], right), room, rest)
    else:
        groups = (look, end, go, order)
        for start in range(0, len(groups), count):
            yield from _beside(groups[start : start + count], room)
            yield ()
        yield from _sign_block(topic.signs, width)
    yield ()


def _beside(
    blocks: Sequence[Block], room: int, last: int | None = None
) -> Iterator[Line]:
    """Yield the lines of blocks side by side, each `room` cells wide, the last one `last`."""
    rooms = [room] * len(blocks)
    rooms[-1] = room if last is None else last
    gap = Span(" " * _GAP, Tone.PLAIN)
    for parts in zip_longest(*blocks, fillvalue=()):
        spans: list[Span] = []
        for part, size in zip(parts, rooms, strict=True):
            spans += [gap] if spans else []
            spans += fitted(part, size)
        yield tuple(spans)


def _group_block(topic: HelpTopic, group: Group, room: int) -> Block:
    """Return a group of keys below its heading."""
    actions = [
        action
        for action in topic.actions
        if action.group is group and action.id not in _RARE
    ]
    titles = [_title(group.value, room)] if actions else []
    return [*titles, *_entries(topic, actions, room)]


def _title(words: str, width: int) -> Line:
    return section_line(fit(words, width), len(words))


def _entries(topic: HelpTopic, actions: Sequence[Action], room: int) -> Iterator[Line]:
    rows = list(_rows(topic, actions))
    widest = max((cells(keys) for keys, _ in rows), default=0)
    size = min(max(_KEYS, widest), room // 2)
    for keys, words in rows:
        start = fitted(line(keys, Tone.STRONG), size)
        spans = (*start, Span(f" {words}", Tone.PLAIN))
        yield from wrapped(spans, room, size + 1)


def _rows(topic: HelpTopic, actions: Sequence[Action]) -> Iterator[tuple[str, str]]:
    """Yield keys and words; the views have one line, and so have some pairs of actions."""
    if keys := _keys_of_views(list(filter(_is_view, actions))):
        yield keys, "views"
    others = [each for each in actions if each.keys and not _is_view(each)]
    for action in others:
        pair = _pair_of(action)
        if not pair:
            yield _keys_of(action), _words_of(topic, action)
        elif action.id == pair[0]:
            yield _keys_of_pair(pair, others), _TOGETHER[pair]


def _keys_of_pair(pair: Sequence[str], actions: Iterable[Action]) -> str:
    """Return the first key of each action of a pair."""
    return " ".join([each.key_names[0] for each in actions if each.id in pair])


def _is_view(action: Action) -> bool:
    return action.id.startswith("show_")


def _pair_of(action: Action) -> tuple[str, ...]:
    """Return the ids of two actions that have one line; () for an action with its own."""
    return next((pair for pair in _TOGETHER if action.id in pair), ())


def _keys_of_views(views: Sequence[Action]) -> str:
    """Return the keys of the views, as a range if they are one."""
    keys = [view.key_names[0] for view in views if view.keys]
    digits = [str(digit) for digit in range(1, len(keys) + 1)]
    is_range = keys == digits and len(keys) > 1
    return f"{keys[0]} to {keys[-1]}" if is_range else " ".join(keys)


def _keys_of(action: Action) -> str:
    return " ".join(action.key_names)


def _words_of(topic: HelpTopic, action: Action) -> str:
    return topic.words.get(action.id) or action.brief or action.title


def _sign_block(signs: Signs, width: int) -> Block:
    """Return the signs below their heading, each drawn as it is."""
    if not signs:
        return []
    lines = [_title("Signs", width)]
    for sign in signs:
        lines += _sign_lines(sign, width)
    return lines


def _sign_lines(sign: Sign, width: int) -> Iterator[Line]:
    room = max(1, _SIGN - cells(sign.text))
    spans = (*sign.drawn, Span(" " * room, Tone.PLAIN))
    first, *others = wrapped(line(sign.meaning), max(1, width - _SIGN))
    yield (*spans, *first)
    for other in others:
        yield (Span(" " * _SIGN, Tone.PLAIN), *other)


# Lists below each other.


def _examples(entries: Iterable[HelpEntry]) -> Rows:
    return [(entry.example, entry.meaning) for entry in entries]


def _section(
    title: str,
    rows: Rows,
    width: int,
    keys: int,
) -> list[Line]:
    if not rows:
        return []
    lines = [_title(title, width)]
    for name, meaning in rows:
        lines += _row_lines(
            name,
            meaning,
            width,
            keys,
        )
    return [*lines, ()]


def _row_lines(
    name: str,
    meaning: str,
    width: int,
    keys: int,
) -> Iterator[Line]:
    """Yield a name and its meaning, below each other where the name is long."""
    text = Span(meaning, Tone.PLAIN)
    if cells(name) <= keys:
        spans = (Span(f"{name:<{keys}} ", Tone.STRONG), text)
        yield from wrapped(spans, width, keys + 1)
    else:
        yield from wrapped(line(name, Tone.STRONG), width)
        indent = Span(" " * (keys + 1), Tone.PLAIN)
        yield from wrapped((indent, text), width, keys + 1)


# The search.


def _matches(topic: HelpTopic, width: int, words: Sequence[str]) -> list[Line]:
    """Return the keys, signs, filter forms and columns in which all words occur."""

    def matches(*texts: str) -> bool:
        text = " ".join(texts).lower()
        return all(word in text for word in words)

    lines = [*_matching_keys(topic, width, matches)]
    for sign in topic.signs:
        if matches(sign.text, sign.meaning):
            lines += _sign_lines(sign, width)
    entries = [*FORMS, *KEY_ENTRIES] if topic.is_filtered else []
    for name, meaning in (*_examples(entries), *topic.columns):
        if matches(name, meaning):
            lines += _row_lines(
                name,
                meaning,
                width,
                _EXAMPLE,
            )
    return lines or [line("No key, sign or column has these words.", Tone.QUIET)]


def _matching_keys(
    topic: HelpTopic, width: int, matches: Callable[..., bool]
) -> Iterator[Line]:
    for action in (*topic.actions, *topic.dialog_actions):
        keys = _keys_of(action)
        texts = (keys, action.title, action.short, _words_of(topic, action))
        if action.keys and matches(*texts):
            yield from _row_lines(
                keys,
                action.title,
                width,
                _NAMES,
            )


def letters() -> list[tuple[str, str]]:
    """Return the letters of the bar, each with the slots that it stands for."""
    used = [(letter, state) for state, (letter, _) in LETTERS.items()]
    return [
        *used,
        (UNSEEN, "in use, state hidden from this role"),
        (FREE, "free for ordinary roles"),
        (RESERVED, "free, but reserved"),
    ]
