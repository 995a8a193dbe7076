"""The blocking view: who waits for whom as a tree of lines, and below it who holds back vacuum.

A row is known by who it is, never by its place: the cursor and what is folded stay with their
session.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.xmin import XminHolder, XminKind, cutoffs, xmin_holders
from pgtop.model.backend import Backend, BackendId
from pgtop.table.columns import column, severity
from pgtop.table.filter import Filter
from pgtop.table.options import Sort
from pgtop.table.sort import by_value
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.lock_phrases import doing, how_long, query_of, rollback, what_of, whose

Identity: TypeAlias = BackendId | tuple[str, str]

FOLDED, UNFOLDED = "▶", "▼"
_UNKNOWN = "it is not known whether sessions wait for a lock"
_NOBODY = "nobody waits for a lock"
_ALL_HIDDEN = "the filter hides all who wait for a lock, and whom they wait for: Esc shows them"
_HOLDERS_SHOWN = 12
_WHO_FROM = 110  # cells of screen from which there is room for who it is
_HANG_FROM = 60
_DEEPEST = 6  # levels that are drawn; below them the depth is a number


class Question(NamedTuple):
    """What is asked of the tree: which branches, in which order, and which are folded."""

    filter: Filter = Filter()
    sort: Sort = Sort()
    folded: frozenset[Identity] = frozenset()


class Row(NamedTuple):
    """A line: a node of the tree, one that holds back vacuum, or, without either, words."""

    node: Node | None = None
    holder: XminHolder | None = None
    younger: int = 0
    """Sessions that hold back vacuum as far as `holder`, and began later."""
    words: str = ""
    tone: Tone = Tone.QUIET
    """Of the words."""
    stem: str = ""
    hidden: int = 0
    """Sessions folded away below it."""
    foldable: bool = False
    left: str = ""
    """It is not there any more, and why: the cursor stays on it for one picture, and is not handed
    to another.
    """
    quiet: bool = False
    """It is there only for those below it, which the filter asks for."""

    @property
    def backend(self) -> Backend | None:
        """The session that C, K and Enter are about."""
        shown = self.node or self.holder
        return None if shown is None else shown.backend

    @property
    def identity(self) -> Identity | None:
        """Who it is, from one picture to the next; None for words."""
        if self.holder is not None:
            backend = self.holder.backend
            name = str(backend.identity) if backend else self.holder.name
            return f"{self.holder.kind}{' of catalogs' if self.holder.catalog else ''}", name
        if self.node is None:
            return None
        return self.node.backend.identity if self.node.backend else ("prepared", str(self.node.key))


def departed(row: Row, picture: DerivedSnapshot) -> Row:
    """The row of one that has left the tree or the list."""
    ended = row.backend is not None and picture.find(row.backend) is None
    return row._replace(
        left="has ended" if ended else "is not here any more", hidden=0, foldable=False
    )


def rows(picture: DerivedSnapshot, question: Question) -> tuple[Row, ...]:
    """All rows in their order. Raises FilterError when a pattern of the filter takes too long."""
    tree = tuple(_tree(picture, question))
    holders = cutoffs(xmin_holders(picture.snapshot))
    more = len(holders) - _HOLDERS_SHOWN
    locks = picture.snapshot.locks
    is_complete, unread = locks.is_complete, locks.unread
    nothing = _UNKNOWN if locks.failure else _NOBODY
    return (
        *(tree or (Row(words=_ALL_HIDDEN if picture.forest.nodes else nothing),)),
        Row(),
        Row(words="WHO HOLDS BACK VACUUM, AND BY HOW MANY TRANSACTIONS", tone=Tone.STRONG),
        *(Row(holder=holder, younger=younger) for holder, younger in holders[:_HOLDERS_SHOWN]),
        *((Row(words=f"and {more} more"),) if more > 0 else ()),
        *(
            (Row(words=unread or "slots and prepared transactions: not asked yet"),)
            if not is_complete
            else ()
        ),
        *((Row(words="nobody"),) if is_complete and not holders else ()),
    )


def matching(picture: DerivedSnapshot, narrowed: Filter) -> int:
    """How many that wait the filter lets through, folded away or not. Raises FilterError as `rows`
    does.
    """
    nodes = picture.forest.nodes
    return sum(
        nodes[key].is_waiting and not nodes[key].is_worker for key in _shown(picture, narrowed)[1]
    )


def _tree(picture: DerivedSnapshot, question: Question) -> Iterator[Row]:
    """The trees from their roots down, without recursion: a chain may be as long as there are
    sessions.
    """
    forest = picture.forest
    shown, matching = _shown(picture, question.filter)
    unvisited = [(node, "", 0) for node in reversed(_sorted(forest.roots, picture, question.sort))]
    while unvisited:
        node, stem, depth = unvisited.pop()
        if node.key not in shown:
            continue
        below = [child for child in forest.children.get(node.key, ()) if child.key in shown]
        row = Row(node, stem=stem, foldable=bool(below), quiet=node.key not in matching)
        folded = bool(below) and row.identity in question.folded
        yield Row(
            node,
            stem=stem,
            hidden=len(below) if folded else 0,
            foldable=bool(below),
            quiet=row.quiet,
        )
        if folded:
            continue
        ordered = _sorted(below, picture, question.sort)
        for place, child in reversed(list(enumerate(ordered))):
            unvisited.append((child, _stem(stem, depth + 1, place == len(ordered) - 1), depth + 1))


def _stem(above: str, depth: int, last: bool) -> str:
    """The lines that lead to a node at `depth` from those that lead to its parent."""
    if depth > _DEEPEST:
        return f"{depth:>{2 * _DEEPEST - 3}} └ "
    trunk = above[:-2] + ("  " if above.endswith("└ ") else "│ ") if above else ""
    return trunk + ("└ " if last else "├ ")


def _sorted(nodes: Sequence[Node], picture: DerivedSnapshot, sort: Sort) -> list[Node]:
    """Siblings in the order asked for; the default one is the forest's own: who hurts most
    first.
    """
    if sort.column is None:
        return list(nodes if sort.descending else reversed(nodes))
    key = column(sort.column).key
    values = [None if node.backend is None else key(node.backend, picture) for node in nodes]
    return by_value(list(nodes), values, sort.descending)


def _shown(picture: DerivedSnapshot, narrowed: Filter) -> tuple[Collection[Key], Collection[Key]]:
    """The nodes that the filter lets through with all that they stand under, and they alone."""
    nodes = picture.forest.nodes
    if not narrowed.text:
        return nodes.keys(), nodes.keys()
    test = narrowed.on(picture)
    matching = {
        key for key, node in nodes.items() if node.backend is not None and test(node.backend)
    }
    shown: set[Key] = set()
    for key in matching:
        above: Key | None = key
        while above is not None and above not in shown:
            shown.add(above)
            above = nodes[above].parent
    return shown, matching


# Lines.


def header(width: int) -> Line:
    """The titles at exactly `width` cells."""
    tree, who, what = _widths(width)
    hang = f"{'HANG':>7} " if width >= _HANG_FROM else ""
    names = f"{fit('USER@DATABASE', who)} " if who else ""
    return (
        Span(
            fit(
                f"{fit('SESSION', tree)} {hang}{'FOR':>7} {names}{fit('WAITS FOR, OR DOES', what)}",
                width,
            ),
            Tone.STRONG,
        ),
    )


def row_line(row: Row, picture: DerivedSnapshot, width: int) -> Line:
    """The row at exactly `width` cells."""
    if row.left:
        return (Span(fit(f"{row.stem} {_name(row)} {row.left}", width), Tone.QUIET),)
    if row.node is not None:
        return _cut(_node_line(row, row.node, picture, width), width)
    if row.holder is not None:
        return _holder_line(row.holder, row.younger, picture, width)
    return (Span(fit(row.words, width), row.tone),)


def _name(row: Row) -> str:
    """A session by its pid. Cleaned."""
    if row.backend is not None:
        return str(row.backend.pid)
    return clean(row.holder.name if row.holder else "prepared")


def _cut(spans: Line, width: int) -> Line:
    """The spans as far as `width` cells go; they fill no less."""
    found: list[Span] = []
    for text, tone in spans:
        found.append(Span(fit(text, min(width, cells(text))), tone))
        width -= cells(found[-1].text)
    return tuple(span for span in found if span.text)


def _widths(width: int) -> tuple[int, int, int]:
    """Cells for the tree, for who it is, and for what is left."""
    tree = min(26 if width >= _WHO_FROM else 20, max(13, width // 3))
    who = 22 if width >= _WHO_FROM else 0
    hang = 8 if width >= _HANG_FROM else 0
    return tree, who, max(1, width - tree - 1 - hang - 8 - (who + 1 if who else 0))


def _node_line(row: Row, node: Node, picture: DerivedSnapshot, width: int) -> Line:
    tree, who, what = _widths(width)
    tone = Tone.QUIET if row.quiet else _tone(node)
    fold = (FOLDED if row.hidden else UNFOLDED) if row.foldable else " "
    name = "prepared" if node.backend is None else str(node.pid)
    folded = f" +{row.hidden}" if row.hidden else ""
    hang = (
        f"{f'{node.direct_waiters}/{node.total_waiters}' if node.total_waiters else '':>7} "
        if width >= _HANG_FROM
        else ""
    )
    start = Span(f"{fit(f'{row.stem}{fold}{name}{folded}', tree)} {hang}", tone)
    waited = Span(
        f"{how_long(node, picture):>7} ", tone if row.quiet else _tone_of_wait(node, picture)
    )
    names = Span(
        f"{fit(clean(whose(node)), who)} " if who else "", Tone.QUIET if row.quiet else Tone.PLAIN
    )
    first, rest = what_of(node, picture)
    beside = "" if who or node.backend is None else whose(node)  # where it has no column of its own
    first, rest = clean(first), clean(" · ".join(filter(None, (beside, rest))))
    room = what - cells(first)
    if room < 4 or not rest:
        return start, waited, names, Span(fit(first or rest, what), tone)
    quiet = Tone.QUIET if node.is_waiting else Tone.PLAIN
    return (
        start,
        waited,
        names,
        Span(first, tone),
        Span(fit(f" · {rest}" if first else rest, room), quiet),
    )


def _tone(node: Node) -> Tone:
    """Roots and deadlocks stand out; of those that hang on them only how long they have waited."""
    if node.cycle or node.backend is None:
        return Tone.ALARM
    if node.parent is None and node.total_waiters:
        return Tone.ALARM if node.backend.in_transaction_idle else Tone.STRONG
    return Tone.PLAIN


def _tone_of_wait(node: Node, picture: DerivedSnapshot) -> Tone:
    return severity(node.backend, picture) if node.backend and node.is_waiting else _tone(node)


def _holder_line(holder: XminHolder, younger: int, picture: DerivedSnapshot, width: int) -> Line:
    words = clean(_holder_words(holder, younger, picture))
    start = f"{holder.age:>13,} {fit(holder.kind, 21)}"
    return (Span(fit(start + words, width), Tone.PLAIN),)


def _holder_words(holder: XminHolder, younger: int, picture: DerivedSnapshot) -> str:
    backend = holder.backend
    others = f"and {younger} younger" if younger else ""
    if backend is None or holder.kind is XminKind.STANDBY:
        place = f" · in {holder.database}" if holder.database else ""
        words = f"{holder.name}{place}{' (system catalogs only)' if holder.catalog else ''}"
        return " · ".join(filter(None, (words, others)))
    doubt = "" if holder.is_certain else "perhaps: it may be a vacuum"
    cause = f"since {holder.cause} was open" if holder.cause else ""
    parts = (
        f"{backend.pid} {name_of_session(backend)}".strip(),
        doubt,
        doing(backend, picture),
        cause,
        others,
        query_of(backend),
    )
    return " · ".join(filter(None, parts))


def toggled(folded: frozenset[Identity], identity: Identity) -> frozenset[Identity]:
    """What is folded after the user has pressed the key on a row."""
    return folded ^ {identity}


def without_session(row: Row) -> str:
    """What to do about a row that has no session to open or to end. Cleaned."""
    if row.node is not None and row.node.prepared is not None:
        place = row.node.prepared.database or "its database"
        return clean(
            f"a prepared transaction has no session; in {place}: {rollback(row.node)} (or COMMIT PREPARED)"
        )
    if row.node is not None:
        return "a prepared transaction has no session: SELECT * FROM pg_prepared_xacts names it"
    return "it has no session of its own"
