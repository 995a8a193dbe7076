"""The blocking view: who waits for whom as a tree of lines, and below it who holds back vacuum.

A row is known by who it is, never by its place: the cursor and what is folded stay with their session.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from pgtop.analysis.blocking import Forest, Node
from pgtop.analysis.graph import Key
from pgtop.analysis.xmin import Kind, XminHolder, xmin_holders
from pgtop.model.backend import Backend, BackendId
from pgtop.model.instant import seconds_between
from pgtop.view.columns import HIDDEN_WORDS, column, severity, state_word
from pgtop.view.filter import Filter
from pgtop.view.picture import Picture
from pgtop.view.query import Sort
from pgtop.view.sort import by_value
from pgtop.view.text import cells, clean, fit
from pgtop.view.tone import Span, Tone
from pgtop.view.units import age
from pgtop.view.wrap import Line

Identity: TypeAlias = BackendId | tuple[str, str]

FOLDED, UNFOLDED = "▶", "▼"
APPROXIMATE = "~"
"""Before a wait that is counted from the state change, as the server does not tell since when the lock is awaited."""
_NOBODY = "nobody waits for a lock"
_ALL_HIDDEN = "the filter hides all who wait for a lock, and whom they wait for: Esc shows them"
_HOLDERS_SHOWN = 12
_OTHERS_NAMED = 3
_WHO_FROM = 110  # cells of screen from which there is room for who it is
_HANG_FROM = 60
_DEEPEST = 6  # levels that are drawn; below them the depth is a number


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the tree: which branches, in which order, and which are folded."""

    filter: Filter = field(default_factory=Filter)
    sort: Sort = field(default_factory=Sort)
    folded: frozenset[Identity] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """A line: a node of the tree, one that holds back vacuum, or, without either, words."""

    node: Node | None = None
    holder: XminHolder | None = None
    words: str = ""
    tone: Tone = Tone.QUIET
    """Of the words."""
    stem: str = ""
    hidden: int = 0
    """Sessions folded away below it."""
    foldable: bool = False
    left: str = ""
    """It is not there any more, and why: the cursor stays on it for one picture, and is not handed to another."""
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
            return self.holder.kind, str(backend.identity) if backend else self.holder.name
        if self.node is None:
            return None
        return self.node.backend.identity if self.node.backend else ("prepared", str(self.node.key))


def departed(row: Row, picture: Picture) -> Row:
    """The row of one that has left the tree or the list."""
    ended = row.backend is not None and picture.find(row.backend) is None
    return replace(row, left="has ended" if ended else "is not here any more", hidden=0, foldable=False)


def rows(picture: Picture, question: Question) -> tuple[Row, ...]:
    """All rows in their order. Raises FilterError when a pattern of the filter takes too long."""
    tree = tuple(_tree(picture, question))
    holders = xmin_holders(picture.snapshot)
    more = len(holders) - _HOLDERS_SHOWN
    complete = picture.snapshot.blocking.complete
    return (
        *(tree or (Row(words=_ALL_HIDDEN if picture.forest.nodes else _NOBODY),)),
        Row(),
        Row(words="WHO HOLDS BACK VACUUM, AND BY HOW MANY TRANSACTIONS", tone=Tone.STRONG),
        *(Row(holder=holder) for holder in holders[:_HOLDERS_SHOWN]),
        *((Row(words=f"and {more} more"),) if more > 0 else ()),
        *((Row(words="slots and prepared transactions: not asked yet"),) if not complete else ()),
        *((Row(words="nobody"),) if complete and not holders else ()),
    )


def matching(picture: Picture, narrowed: Filter) -> int:
    """How many that wait the filter lets through, folded away or not. Raises FilterError as `rows` does."""
    nodes = picture.forest.nodes
    return sum(nodes[key].waits and not nodes[key].worker for key in _shown(picture, narrowed)[1])


def _tree(picture: Picture, question: Question) -> Iterator[Row]:
    """The trees from their roots down, without recursion: a chain may be as long as there are sessions."""
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
        yield Row(node, stem=stem, hidden=len(below) if folded else 0, foldable=bool(below), quiet=row.quiet)
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


def _sorted(nodes: Sequence[Node], picture: Picture, sort: Sort) -> list[Node]:
    """Siblings in the order asked for; the default one is the forest's own: who hurts most first."""
    if sort.column is None:
        return list(nodes if sort.descending else reversed(nodes))
    key = column(sort.column).key
    values = [None if node.backend is None else key(node.backend, picture) for node in nodes]
    return by_value(list(nodes), values, sort.descending)


def _shown(picture: Picture, narrowed: Filter) -> tuple[Collection[Key], Collection[Key]]:
    """The nodes that the filter lets through with all that they stand under, and they alone."""
    nodes = picture.forest.nodes
    if not narrowed.text:
        return nodes.keys(), nodes.keys()
    test = narrowed.on(picture)
    matching = {key for key, node in nodes.items() if node.backend is not None and test(node.backend)}
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
            fit(f"{fit('SESSION', tree)} {hang}{'FOR':>7} {names}{fit('WAITS FOR, OR DOES', what)}", width), Tone.STRONG
        ),
    )


def row_line(row: Row, picture: Picture, width: int) -> Line:
    """The row at exactly `width` cells."""
    if row.left:
        return (Span(fit(f"{row.stem} {_name(row)} {row.left}", width), Tone.QUIET),)
    if row.node is not None:
        return _cut(_node_line(row, row.node, picture, width), width)
    if row.holder is not None:
        return _holder_line(row.holder, picture, width)
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
    tree = min(26, max(13, width // 3))
    who = 22 if width >= _WHO_FROM else 0
    hang = 8 if width >= _HANG_FROM else 0
    return tree, who, max(1, width - tree - 1 - hang - 8 - (who + 1 if who else 0))


def _node_line(row: Row, node: Node, picture: Picture, width: int) -> Line:
    tree, who, what = _widths(width)
    tone = Tone.QUIET if row.quiet else _tone(node)
    fold = (FOLDED if row.hidden else UNFOLDED) if row.foldable else " "
    name = "prepared" if node.backend is None else str(node.pid)
    folded = f" +{row.hidden}" if row.hidden else ""
    hang = f"{f'{node.direct}/{node.total}' if node.total else '':>7} " if width >= _HANG_FROM else ""
    start = Span(f"{fit(f'{row.stem}{fold}{name}{folded}', tree)} {hang}", tone)
    waited = Span(f"{how_long(node, picture):>7} ", tone if row.quiet else _tone_of_wait(node, picture))
    names = Span(f"{fit(clean(_who(node)), who)} " if who else "", Tone.QUIET if row.quiet else Tone.PLAIN)
    first, rest = _what(node, picture)
    first, rest = clean(first), clean(rest)
    room = what - cells(first)
    if room < 4 or not rest:
        return start, waited, names, Span(fit(first or rest, what), tone)
    quiet = Tone.QUIET if node.waits else Tone.PLAIN
    return start, waited, names, Span(first, tone), Span(fit(f" · {rest}" if first else rest, room), quiet)


def _tone(node: Node) -> Tone:
    """Roots and deadlocks stand out; of those that hang on them only how long they have waited."""
    if node.circle or node.backend is None:
        return Tone.ALARM
    if node.parent is None and node.total:
        return Tone.ALARM if node.backend.in_transaction_idle else Tone.STRONG
    return Tone.PLAIN


def _tone_of_wait(node: Node, picture: Picture) -> Tone:
    return severity(node.backend, picture) if node.backend and node.waits else _tone(node)


def _who(node: Node) -> str:
    if node.prepared is not None:
        return f"{node.prepared.owner or '?'}@{node.prepared.database or '?'}"
    backend = node.backend
    if backend is None or (backend.usename is None and backend.datname is None):
        return ""
    return f"{backend.usename or ''}@{backend.datname or ''}"


def how_long(node: Node, picture: Picture) -> str:
    """How long it has waited for its lock; of one that does not wait, how long its transaction has been open."""
    if node.waits:
        since = node.since
        return "" if since is None else ("" if node.exact else APPROXIMATE) + age(seconds_between(since, picture.now))
    backend = node.backend
    since = node.prepared.prepared if node.prepared else (backend.xact_start if backend else None)
    return "" if since is None else age(seconds_between(since, picture.now))


def _what(node: Node, picture: Picture) -> tuple[str, str]:
    """What it waits for or is, and what it did last; raw."""
    if node.backend is None:
        return _prepared_words(node)
    parts = [_circle_words(node, picture.forest), _lock_words(node) if node.waits else _doing(node.backend, picture)]
    if node.worker:
        parts.insert(0, f"worker of {node.backend.leader_pid}")
    query = HIDDEN_WORDS if node.backend.hidden else " ".join((node.backend.query or "").split())
    return " · ".join(filter(None, parts)), query


def _prepared_words(node: Node) -> tuple[str, str]:
    if node.prepared is None:
        return "a prepared transaction, one of those in pg_prepared_xacts", ""
    return rollback(node), f"prepared by {node.prepared.owner or '?'} in {node.prepared.database or '?'}"


def rollback(node: Node) -> str:
    """The statement that ends a prepared transaction, in its database; raw."""
    gid = node.prepared.gid if node.prepared else ""
    return "ROLLBACK PREPARED '" + gid.replace("'", "''") + "'"


def _doing(backend: Backend, picture: Picture) -> str:
    since = backend.state_change if backend.in_transaction_idle else backend.query_start
    state = backend.state if backend.in_transaction_idle else state_word(backend)
    return f"{state} {age(seconds_between(since, picture.now))}" if since is not None else state or ""


def _lock_words(node: Node) -> str:
    """The lock, whether its parent holds it or only waits ahead, and for whom else it waits."""
    backend = node.backend
    if node.wait is None:
        words = f"{(backend.wait_event if backend else None) or 'some'} lock"
    else:
        words = f"{node.wait.lock.mode.removesuffix('Lock')} on {node.wait.lock.target}"
    parts = [words]
    if node.parent is not None and node.parent in node.queue:
        parts.append(f"behind {node.parent} in the queue")
    others = [key for key in node.blockers if key != node.parent]
    also = "" if node.parent is None else "also "
    if holders := [key for key in others if key not in node.queue]:
        parts.append(f"{also}for {listed(holders)}")
    if rivals := [key for key in others if key in node.queue]:
        parts.append(f"{also}behind {listed(rivals)} in the queue")
    if node.gone:
        parts.append(f"{listed(list(node.gone))} which it waited for {'has' if len(node.gone) == 1 else 'have'} ended")
    return ", ".join(parts)


def listed(keys: Sequence[Key]) -> str:
    """A few of them by pid, and how many more there are."""
    named = " ".join("a prepared transaction" if key <= 0 else str(key) for key in keys[:_OTHERS_NAMED])
    return f"{named} +{len(keys) - _OTHERS_NAMED}" if len(keys) > _OTHERS_NAMED else named


def _circle_words(node: Node, forest: Forest) -> str:
    """A deadlock, told once, by the highest of its members."""
    if not node.circle or node.parent in node.circle:
        return ""
    if not is_deadlock(node, forest):
        name = "circle in the queue"
    else:
        name = "DEADLOCK" if is_surely_deadlocked(node, forest) else "perhaps a DEADLOCK"
    return f"{name} {' → '.join(map(str, (*node.circle, node.circle[0])))}"


def is_deadlock(node: Node, forest: Forest) -> bool:
    """It waits in a circle of holders; one with a mere rival in it the server resolves by turning the queue round."""
    around = (*node.circle, *node.circle[:1])
    return bool(around) and not any(blocker in forest.nodes[waiter].queue for waiter, blocker in pairwise(around))


def is_surely_deadlocked(node: Node, forest: Forest) -> bool:
    """It is in a deadlock, and all of its circle were asked about at this instant."""
    return is_deadlock(node, forest) and not any(forest.nodes[key].lent for key in node.circle)


def _holder_line(holder: XminHolder, picture: Picture, width: int) -> Line:
    words = clean(_holder_words(holder, picture))
    start = f"{holder.age:>13,} {fit(holder.kind, 21)}"
    return (Span(fit(start + words, width), Tone.PLAIN),)


def _holder_words(holder: XminHolder, picture: Picture) -> str:
    backend = holder.backend
    if backend is None or holder.kind is Kind.STANDBY:
        place = f" · in {holder.database}" if holder.database else ""
        return f"{holder.name}{place}{' (system catalogs only)' if holder.catalog else ''}"
    who = f"{backend.usename or ''}@{backend.datname or ''}".strip("@")
    query = " ".join((backend.query or "").split())
    return " · ".join(filter(None, (f"{backend.pid} {who}".strip(), _doing(backend, picture), query)))


# Words for elsewhere.


def summary(picture: Picture) -> Line:
    """How many wait, and who is at the root of most of it and for how long; () when nobody waits."""
    forest = picture.forest
    if not forest.waiting:
        return ()
    root, *others = forest.roots
    name, does, wait = _root_name(root), _root_does(root, picture), _longest_words(root, picture)
    more = [f"{len(others) + 1} roots"] if others else []
    more += [f"deadlock {listed(circle)}" for circle in _deadlocks(forest)]
    words = ", ".join(filter(None, (f"{forest.waiting} waiting", wait, f"root {name}")))
    if more:
        words = f"{', '.join((f'{forest.waiting} waiting', *more))}; {wait}{' on ' if wait else ''}root {name}"
    return tuple(Span(clean(part), Tone.ALARM) for part in (words, f" ({does})" if does else "") if part)


def _longest_words(root: Node, picture: Picture) -> str:
    """How long those that hang on `root` have waited at most; only about, where the wait's own start is not known."""
    first = picture.forest.longest_wait(root.key)
    if first is None or first.since is None:
        return ""
    return f"longest {'' if first.exact else APPROXIMATE}{age(seconds_between(first.since, picture.now))}"


def _deadlocks(forest: Forest) -> list[tuple[Key, ...]]:
    """Each that is sure, once."""
    nodes = [node for node in forest.nodes.values() if is_surely_deadlocked(node, forest)]
    return list({frozenset(node.circle): node.circle for node in nodes}.values())


def _root_name(root: Node) -> str:
    if root.backend is not None:
        return str(root.pid)
    return f"prepared transaction {root.prepared.gid}" if root.prepared else "a prepared transaction"


def _root_does(root: Node, picture: Picture) -> str:
    if root.backend is None:
        return how_long(root, picture)
    return "waiting" if root.waits else _doing(root.backend, picture)


def _root_words(root: Node, picture: Picture) -> str:
    does = _root_does(root, picture)
    return _root_name(root) + (f" ({does})" if does else "")


def freed(before: Picture, after: Picture, ended: Collection[BackendId]) -> str:
    """What the end of some has brought to those that hung on them: how many are free, and who is the next root."""
    was = _hung_on(before.forest, ended)
    if not was:
        return ""
    here = {backend.identity for backend in after.snapshot.backends}
    nodes = [node for node in after.forest.nodes.values() if node.waits and not node.worker]
    stuck = [node for node in nodes if node.backend and node.backend.identity in was]
    gone = len(was - here)
    free = len(was) - gone - len(stuck)
    words = f"{free} of {len(was)} waiting on {'it' if len(ended) == 1 else 'them'} {'is' if free == 1 else 'are'} free"
    if gone:
        words += f", {gone} ended"
    root = _heaviest_root(after.forest, stuck)
    return f"{words}, next root {clean(_root_words(root, after))}" if root else words


def _hung_on(forest: Forest, ended: Collection[BackendId]) -> frozenset[BackendId]:
    """Those that waited for any of `ended`, directly or through others."""
    keys = {key for who in ended for key in forest.hanging(who.pid)}
    found = frozenset(backend.identity for key in keys if (backend := forest.nodes[key].backend))
    return found.difference(ended)


def _heaviest_root(forest: Forest, waiters: Sequence[Node]) -> Node | None:
    """The root that most hangs on, of the trees that `waiters` stand in; never one that only seems to be one."""
    keys = {forest.root_of(node.key) for node in waiters}
    return next((root for root in forest.roots if root.key in keys and not _seems_root(root)), None)


def is_unsettled(picture: Picture) -> bool:
    """The picture was read while a queue moved up: somebody in it waits for nobody that is there."""
    return any(map(_seems_root, picture.forest.roots))


def _seems_root(root: Node) -> bool:
    """It waits itself, and not in a circle: whom it waits for is missing."""
    return root.waits and not root.circle


def toggled(folded: frozenset[Identity], identity: Identity) -> frozenset[Identity]:
    """What is folded after the user has pressed the key on a row."""
    return folded ^ {identity}


def without_session(row: Row) -> str:
    """What to do about a row that has no session to open or to end. Cleaned."""
    if row.node is not None and row.node.prepared is not None:
        place = row.node.prepared.database or "its database"
        return clean(f"a prepared transaction has no session; in {place}: {rollback(row.node)} (or COMMIT PREPARED)")
    if row.node is not None:
        return "a prepared transaction has no session: SELECT * FROM pg_prepared_xacts names it"
    return "it has no session of its own"
