"""The columns that a screen has room for, and their widths.

The width of the screen decides which columns there are, by their usual widths. Their contents
decide how wide they are, so that the last column, which people read, gets all other cells.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from pgtop.table.layout import AnyColumn, AnyColumns, Layout, PlacedColumn

Contents: TypeAlias = tuple[tuple[AnyColumn, int], ...]
"""The cells that the contents of columns need; 0 for a column that is empty, or not worth a look.

A column that is not named needs its usual width; the parts of a column need nothing.
"""

_SCREENS = (1, 39, 79, 118, 198)
"""Cells that a table has of 2, 40, 80, 120 and 200: a gutter takes one, and from 100 on the scroll
bar one more.
"""
_CLAIMS = (0, 11, 30, 48, 90)
"""The cells that the last column claims of so many: half of a wide screen, and enough for a verb
and a table of a narrow one.
"""
OFFERED_FROM = 200
"""Cells of screen from which columns on request are offered."""
_AROUND = 2
"""Cells of a screen beside a table: a gutter, and a scroll bar."""
_BARE = 8
"""Cells of the last column below which a whole column leaves rather than that another is cut."""
_TITLE_AND_ARROW = 1


class Selection(NamedTuple):
    """The columns between the first and the last, as the width of the screen allows them."""

    visible: tuple[AnyColumn, ...]
    """From left to right."""
    others: tuple[AnyColumn, ...]
    """The columns without room, by rank."""


def layout(
    columns: AnyColumns,
    width: int,
    extra_columns: bool = False,
    skip: int = 0,
    contents: Contents = (),
) -> Layout:
    """Return the columns for a screen of `width` cells, which they fill exactly.

    Each of `skip` steps hides one column behind the first, and shows one that had no room, until
    only the first and the last are left.
    """
    return _layout(
        columns,
        max(1, width),
        extra_columns,
        max(0, skip),
        contents,
    )


def scroll_limit(
    columns: AnyColumns,
    width: int,
    extra_columns: bool = False,
    contents: Contents = (),
) -> int:
    """Return the `skip` at which only the first and the last column are left."""
    visible, others = _filled_shape(columns, width, extra_columns, dict(contents))
    return len(visible) + len(others)


def claim(width: int) -> int:
    """Return the cells that the last column claims on a screen of `width` cells."""
    place = min(max(1, bisect_right(_SCREENS, width)), len(_SCREENS) - 1)
    screen_before, screen = _SCREENS[place - 1], _SCREENS[place]
    claim_before, claimed = _CLAIMS[place - 1], _CLAIMS[place]
    share = (width - screen_before) / (screen - screen_before)
    return max(1, int(claim_before + share * (claimed - claim_before)))


@lru_cache(maxsize=8)
def _layout(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
    skip: int,
    contents: Contents,
) -> Layout:
    needs = dict(contents)
    first = PlacedColumn(columns.first, _width_of(columns.first, needs))
    if width < first.width + 2:
        return (PlacedColumn(columns.first, width),)
    space = width - first.width - 1
    visible, others = _filled_shape(columns, width, extra_columns, needs)
    room = _room_between(columns, width, first.width, needs)
    if skip:
        scrolled = [*visible, *others][skip:]
        between = _that_fit(scrolled, needs, room)
    else:
        bearable = max(0, claim(width) - _BARE) if width < _SCREENS[2] else 0
        left = space - room - 1  # one cell stays with the last column
        between = _squeezed(visible, needs, room, columns, min(bearable, left))
    rest = space - sum(placed.width + 1 for placed in between)
    return (first, *between, PlacedColumn(columns.last, rest))


def _room_between(
    columns: AnyColumns,
    width: int,
    first: int,
    needs: Mapping[AnyColumn, int],
) -> int:
    """Return the cells between the first column, of that width, and what the last one claims."""
    space = width - first - 1
    return space - _claim_of(columns, width, space, _apart(columns, needs))


def _claim_of(
    columns: AnyColumns,
    width: int,
    space: int,
    apart: frozenset[AnyColumn],
) -> int:
    """Return the claim of the last column; a mere filler claims no more than it is wide.

    The last column and those that can be cut pay in equal shares for the parts of others.
    """
    claimed = claim(width) if columns.last.width > 1 else 1
    for column in apart:
        more = _width_apart(column, columns) - column.usual_width
        claimed -= max(0, more // 2)
    return max(0, min(claimed, space))


def _apart(columns: AnyColumns, needs: Mapping[AnyColumn, int]) -> frozenset[AnyColumn]:
    """Return the columns in whose place all their parts stand."""
    shown = {column.name for column, cells in needs.items() if cells}
    names = [name for name, parts in columns.parts.items() if shown.issuperset(parts)]
    return frozenset(map(columns.column, names))


def _width_apart(column: AnyColumn, columns: AnyColumns) -> int:
    """Return the usual width of the parts of a column, side by side."""
    parts = [columns.column(name) for name in columns.parts[column.name]]
    return sum([part.usual_width + 1 for part in parts]) - 1


# The columns.


@lru_cache(maxsize=32)
def _shape(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
    empty: frozenset[AnyColumn],
    offered: frozenset[AnyColumn],
    apart: frozenset[AnyColumn],
) -> Selection:
    """Return the columns by rank as far as their usual widths fit; then their wide forms as far as
    these do. Columns on request that are empty take no room from the others.
    """
    candidates = _wanted(columns, extra_columns, offered)
    wanted = [each for each in candidates if each not in empty]
    by_rank = sorted(wanted, key=lambda column: column.rank)
    space = width - columns.first.usual_width - 1
    space -= _claim_of(columns, width, space, apart)
    forms: dict[str, AnyColumn] = {}
    for column in by_rank:
        form = column.narrow or column
        taken = _usual_or_least(form, space - 1)
        if column in apart:
            taken = _width_apart(column, columns)
        if not 0 < taken < space:
            break
        forms[column.name] = form
        space -= taken + 1
    _widen(forms, by_rank, space)
    return _selection(forms, wanted, by_rank)


def _selection(
    forms: Mapping[str, AnyColumn],
    wanted: Iterable[AnyColumn],
    by_rank: Iterable[AnyColumn],
) -> Selection:
    """Return the forms from left to right, and the columns that have none."""
    visible = tuple(forms[column.name] for column in wanted if column.name in forms)
    others = tuple(column for column in by_rank if column.name not in forms)
    return Selection(visible, others)


def _wanted(
    columns: AnyColumns,
    extra_columns: bool,
    offered: frozenset[AnyColumn],
) -> list[AnyColumn]:
    """Return the columns between the first and the last that are shown if there is room."""
    parts = frozenset(chain.from_iterable(columns.parts.values()))
    middle = [column for column in columns.columns[1:-1] if column.name not in parts]
    return [
        column
        for column in middle
        if extra_columns or not column.on_request or column in offered
    ]


def _widen(
    forms: dict[str, AnyColumn], by_rank: Sequence[AnyColumn], space: int
) -> None:
    """Replace narrow forms by wide ones as far as there is room."""
    for column in reversed(by_rank):
        form = forms.get(column.name, column)
        more = column.usual_width - form.usual_width
        if 0 < more <= space:
            forms[column.name] = column
            space -= more


def _usual_or_least(column: AnyColumn, space: int) -> int:
    """Return the usual width if that fits, else the least one if that does, else 0."""
    if column.usual_width <= space:
        return column.usual_width
    return column.least if column.least <= space else 0


def _filled_shape(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
    needs: Mapping[AnyColumn, int],
) -> Selection:
    """Return the columns that have contents, and those that are offered as far as the others keep
    their usual widths, in narrow forms, which lose nothing.
    """
    offered = _offered_columns(needs, width)
    if extra_columns or not offered:
        return _filled(columns, width, extra_columns, needs, offered)
    plain = _filled(columns, width, extra_columns, needs, frozenset())
    first = _width_of(columns.first, needs)
    room = _room_between(columns, width, first, needs)
    forms = [_narrow_form(column, columns) for column in plain.visible]
    widths = {column: _width_of(column, needs) for column in forms}
    for column, usual in _to_usual(forms, columns):
        widths[column] = min(widths[column], usual)
    room -= sum(widths.values()) + len(widths)
    by_rank = sorted(offered, key=lambda column: column.rank)
    fitting = _that_fit_whole(by_rank, needs, room)
    return _filled(columns, width, extra_columns, needs, fitting) if fitting else plain


def _that_fit_whole(
    by_rank: Iterable[AnyColumn],
    needs: Mapping[AnyColumn, int],
    room: int,
) -> frozenset[AnyColumn]:
    """Return the first columns that fit into `room`, each with a cell before it."""
    fitting = []
    for column in by_rank:
        room -= _width_of(column, needs) + 1
        if room < 0:
            break
        fitting.append(column)
    return frozenset(fitting)


def _filled(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
    needs: Mapping[AnyColumn, int],
    offered: frozenset[AnyColumn],
) -> Selection:
    """Return the columns that have contents. A column stands in the place of one that is empty; so
    do the parts of an empty column.
    """
    visible, others = _shape(
        columns,
        width,
        extra_columns,
        _empty_extra_columns(needs),
        offered,
        _apart(columns, needs),
    )
    replaced = {column.name for column in visible if needs.get(column) == 0}
    stand_ins = {
        column.instead_of: column.narrow or column
        for column in others
        if column.instead_of in replaced
    }
    placed = [stand_ins.get(column.name, column) for column in visible]
    filled = _in_order(_with_parts(placed, columns, needs), columns)
    names = {column.name for column in filled}
    rest = _with_parts(others, columns, needs)
    return Selection(
        tuple(filled), tuple(column for column in rest if column.name not in names)
    )


def _empty_extra_columns(needs: Mapping[AnyColumn, int]) -> frozenset[AnyColumn]:
    return frozenset(
        [column for column, cells in needs.items() if column.on_request and not cells]
    )


def _offered_columns(
    needs: Mapping[AnyColumn, int], width: int
) -> frozenset[AnyColumn]:
    """Return the columns on request that a screen of this width shows unasked."""
    if width < OFFERED_FROM - _AROUND:
        return frozenset()
    return frozenset(
        [column for column, cells in needs.items() if column.is_offered and cells]
    )


def _with_parts(
    wanted: Iterable[AnyColumn],
    columns: AnyColumns,
    needs: Mapping[AnyColumn, int],
) -> Iterator[AnyColumn]:
    """Yield the columns that have contents, and the parts of those that have none."""
    for column in wanted:
        if needs.get(column) != 0:
            yield column
            continue
        for name in columns.parts.get(column.name, ()):
            part = columns.column(name)
            if needs.get(part):
                yield part


def _in_order(wanted: Iterable[AnyColumn], columns: AnyColumns) -> list[AnyColumn]:
    """Return the columns as they stand from left to right."""
    places = {column.name: place for place, column in enumerate(columns.columns)}
    return sorted(wanted, key=lambda column: places[column.name])


# Their widths.


def _width_of(column: AnyColumn, needs: Mapping[AnyColumn, int]) -> int:
    """Return the cells that a column takes if there is room: its contents, or its title with the
    mark of the order.
    """
    needed = needs.get(column)
    if needed is None:
        return column.usual_width
    titled = len(column.title) + _TITLE_AND_ARROW
    return min(max(needed, titled), column.most_width)


def _squeezed(
    visible: Sequence[AnyColumn],
    needs: Mapping[AnyColumn, int],
    room: int,
    columns: AnyColumns,
    bearable: int,
) -> list[PlacedColumn]:
    """Return the columns with their widths, cut to `room`, which leaves the last column what it
    claims; at most `bearable` cells more.
    """
    forms = _narrowed(visible, needs, room, columns)
    widths = {column: _width_of(column, needs) for column in forms}
    excess = sum(widths.values()) + len(widths) - room
    for column, bound in _giving_way(forms, columns):
        spare = min(max(0, widths[column] - bound), max(0, excess))
        widths[column] -= spare
        excess -= spare
    for column in sorted(forms, key=lambda column: -column.rank):
        if excess > bearable:
            excess -= widths.pop(column) + 1
    return [PlacedColumn(column, cells) for column, cells in widths.items()]


def _narrowed(
    visible: Sequence[AnyColumn],
    needs: Mapping[AnyColumn, int],
    room: int,
    columns: AnyColumns,
) -> Sequence[AnyColumn]:
    """Return the columns; in place of those that cannot be cut their narrow forms, which lose
    nothing, if otherwise others would be cut.
    """
    if sum(_width_of(column, needs) + 1 for column in visible) <= room:
        return visible
    return [_narrow_form(column, columns) for column in visible]


def _narrow_form(column: AnyColumn, columns: AnyColumns) -> AnyColumn:
    can_be_cut = column.name in columns.giving_way
    return column if can_be_cut or column.narrow is None else column.narrow


def _giving_way(
    visible: Sequence[AnyColumn], columns: AnyColumns
) -> list[tuple[AnyColumn, int]]:
    """Return the columns that can be cut, the first to be cut first, and the cells that they keep:
    each but the last gives what is more than usual before one gives more.
    """
    to_least = [(column, column.least) for column in _cut_in_order(visible, columns)]
    return [*_to_usual(visible, columns), *to_least]


def _to_usual(
    visible: Sequence[AnyColumn], columns: AnyColumns
) -> list[tuple[AnyColumn, int]]:
    """Return the columns that can be cut, but the last of them, with their usual widths."""
    last = columns.giving_way[-1:]
    cut = _cut_in_order(visible, columns)
    return [(column, column.usual_width) for column in cut if column.name not in last]


def _cut_in_order(visible: Sequence[AnyColumn], columns: AnyColumns) -> list[AnyColumn]:
    places = {name: place for place, name in enumerate(columns.giving_way)}
    cut = [column for column in visible if column.name in places]
    return sorted(cut, key=lambda column: places[column.name])


def _that_fit(
    candidates: Iterable[AnyColumn],
    needs: Mapping[AnyColumn, int],
    space: int,
) -> list[PlacedColumn]:
    """Return the first columns that fit into `space`; the very first one is cut to fit."""
    placed: list[PlacedColumn] = []
    for column in candidates:
        width = _width_of(column, needs)
        if not placed:
            width = min(width, space - 1)
        if width < 1 or width + 1 > space:
            break
        placed.append(PlacedColumn(column, width))
        space -= width + 1
    return placed
