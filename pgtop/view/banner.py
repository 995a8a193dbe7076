"""The lines across the top: which server, and the truth about its connection slots.

Told apart by letter as well as by colour: the bar must be read on a monochrome screen and by a
colour-blind eye.
"""

from collections.abc import Iterable

from pgtop.analysis.budget import Budget, Level
from pgtop.model.server import SUPPORTED, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import seconds_between, to_datetime
from pgtop.signalling.rights import grant
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line

LETTERS = {
    "active": ("A", Tone.CALM),
    "waiting": ("W", Tone.ALARM),
    "idle in transaction": ("T", Tone.WARN),
    "idle": ("i", Tone.QUIET),
    "other": ("o", Tone.NOTICE),
}
_WORDS = {"idle in transaction": "in tx"}
_FORMS = ("{letter} {count} {state}", "{letter}{count} {word}", "{letter}{count}")
FREE, RESERVED, UNSEEN = "·", "R", "?"
_LEVELS = {Level.CALM: Tone.STRONG, Level.WARN: Tone.WARN, Level.ALARM: Tone.ALARM}
_MARKS = {Level.CALM: "", Level.WARN: "! ", Level.ALARM: "!! "}
_SHORTEST_BAR = 16
_CLOCK = len("00:00:00 UTC")


def server_line(snapshot: Snapshot, width: int) -> Line:
    """Which server this is, as whom, since when, and its clock at the sample; the least needed
    leaves first.
    """
    server = snapshot.server
    place = f"{server.host}:{server.port}" if server.port else server.host
    parts = [
        Span(fit(clean(place), min(cells(clean(place)), max(1, width - _CLOCK - 1))), Tone.STRONG),
        Span(f"PostgreSQL {clean(server.version).partition(' ')[0]}", Tone.PLAIN),
        Span(_doubt(server), Tone.NOTICE),
        Span(_account(server), Tone.PLAIN),
        Span(f"up {age(seconds_between(server.started_at, snapshot.taken_at))}", Tone.QUIET),
        Span("standby" if server.in_recovery else "", Tone.NOTICE),
    ]
    clock = f"{to_datetime(snapshot.taken_at):%H:%M:%S} UTC"
    left = _joined([part for part in parts if part.text], width - cells(clock) - 1, "  ")
    used = sum(cells(span.text) for span in left)
    if used + cells(clock) + 1 > width:
        return left
    return (*left, Span(" " * (width - used - cells(clock)), Tone.PLAIN), Span(clock, Tone.QUIET))


def budget_line(budget: Budget, width: int) -> Line:
    """The bar, and beside it the fullest words that leave it room."""
    words = next((text for text in _words(budget) if width - cells(text) - 3 >= _SHORTEST_BAR), "")
    words = words or fit(_words(budget)[-1], max(0, width - 3 - _SHORTEST_BAR)).rstrip()
    room = width - 2 - (cells(words) + 1 if words else 0)
    if room < 1:
        return (Span(fit(words, width), _LEVELS[budget.level]),)
    tail = (Span(f" {words}", _LEVELS[budget.level]),) if words else ()
    return (Span("[", Tone.PLAIN), *bar(budget, room), Span("]", Tone.PLAIN), *tail)


def bar(budget: Budget, width: int) -> Line:
    """`width` cells for all of max_connections; whatever holds or could hold even one slot has at
    least one cell.
    """
    seen = sum(budget.states.values())
    counts = [budget.states.get(state, 0) for state in LETTERS]
    free = max(0, budget.free)
    rest = max(0, budget.max_connections - budget.used - free)
    parts = [*counts, max(0, budget.used - seen), free, rest]
    faces = [*LETTERS.values(), (UNSEEN, Tone.NOTICE), (FREE, Tone.PLAIN), (RESERVED, Tone.NOTICE)]
    sizes = _shares(parts, width)
    return tuple(
        Span(letter * size, tone) for (letter, tone), size in zip(faces, sizes, strict=True) if size
    )


def legend_line(budget: Budget, width: int) -> Line:
    """Explain the letters with their counts, then what is left for pgtop's role, then the
    walsenders.
    """
    left = Span(left_words(budget), Tone.PLAIN)
    walsenders = Span(f"walsenders {budget.walsenders}/{budget.max_wal_senders}", Tone.QUIET)
    lines = (
        _joined([*_counts(budget, form), left, walsenders], width, "  ", whole=form != _FORMS[-1])
        for form in _FORMS
    )
    return next(filter(None, lines), ())


def left_words(budget: Budget) -> str:
    """Return how many connections the role that logged in can still open, as a sum or with what
    limits them.
    """
    sum_or_limit = f": {budget.openable_limit}" if budget.openable_limit else ""
    if budget.openable_limit == "reserved":
        sum_or_limit = f": {budget.free} + {budget.openable - budget.free} reserved"
    return f"{_doubt_of_left(budget)}{budget.openable} left for you{sum_or_limit}"


def _doubt_of_left(budget: Budget) -> str:
    """Return the word before the number that is left; limits of roles and databases count no login
    in progress.
    """
    by_slots = budget.openable_limit in ("", "reserved")
    if by_slots and budget.openable and _misses_logins(budget):
        return "at most "
    return "" if budget.openable_is_exact else "about "


def _counts(budget: Budget, form: str) -> list[Span]:
    """Return how many sessions there are of each state, in this form, and how many are hidden.

    Where some are hidden a count of none is left out: it would claim what this role cannot see.
    """
    found = [(state, *face, budget.states[state]) for state, face in LETTERS.items()]
    found.append(("hidden", UNSEEN, Tone.NOTICE, budget.hidden))
    always = () if budget.hidden else ("active", "waiting", "idle in transaction", "idle")
    return [
        Span(
            form.format(letter=letter, count=count, state=state, word=_WORDS.get(state, state)),
            tone,
        )
        for state, letter, tone, count in found
        if count or state in always
    ]


def missing(budget: Budget, server: Server) -> str:
    """Return the sentence for a role that cannot read all of it, or nothing."""
    parts = list(server.missing)
    if budget.hidden:
        total = budget.visible + budget.hidden
        parts.insert(
            0, f"you see {budget.visible} of {total} sessions: {grant(server, 'pg_read_all_stats')}"
        )
    return clean("; ".join(parts))


def _doubt(server: Server) -> str:
    """That nobody has tried pgtop on this version, or nothing."""
    if server.major in SUPPORTED:
        return ""
    return "newer than tested" if server.major >= SUPPORTED.stop else "older than tested"


def _account(server: Server) -> str:
    """Return the role that pgtop acts as, and the one that logged in if that is another."""
    if server.acts_as_another:
        return clean(f"as {server.user}, logged in as {server.login.name}@{server.database}")
    return clean(f"{server.user}@{server.database}")


def _misses_logins(budget: Budget) -> bool:
    """Return whether unseen logins that still authenticate may have taken the last slots."""
    return budget.level is not Level.CALM and not budget.sees_logins


def _words(budget: Budget) -> list[str]:
    mark, about = _MARKS[budget.level], "about " if budget.approximate else ""
    held = min(
        budget.used, budget.ordinary
    )  # the rest is in the reserved slots, and is shown there
    unseen = budget.free > 0 and _misses_logins(budget)
    free = f"{'at most ' if unseen else about}{budget.free} free"
    used = f"{mark}{about}{held} of {budget.ordinary} used; {free}"
    short = "up to " if unseen else "~" if about else ""
    reserves = ", ".join(_reserves(budget))
    logins = ("logins in progress unseen",) if unseen else ()
    return [
        "; ".join(filter(None, (used, reserves, *logins))),
        "; ".join((used, *logins)) if unseen else f"{used}; {budget.reserved_left} reserved",
        used,
        f"{mark}{'~' if about else ''}{held}/{budget.ordinary}, {short}{budget.free} free",
    ]


def _reserves(budget: Budget) -> Iterable[str]:
    """Return for which roles slots are reserved, or how many of those are left."""
    total = budget.max_connections - budget.ordinary
    if budget.reserved_left < total:
        yield f"{budget.reserved_left} of {total} reserved left"
        return
    for role, slots in (("superusers", budget.superuser_reserved_connections), *budget.reserves):
        if slots:
            yield f"{slots} reserved for {clean(role)}"


def _shares(parts: list[int], width: int) -> list[int]:
    """Cells for each part, in proportion, at least one for each that is not empty, exactly `width`
    in all.
    """
    total = sum(parts)
    if total == 0:
        return [0] * len(parts)
    sizes = [max(1, part * width // total) if part else 0 for part in parts]
    while sum(sizes) != width:
        step = 1 if sum(sizes) < width else -1
        candidates = [i for i, size in enumerate(sizes) if parts[i] and size + step >= 1]
        if not candidates:  # narrower than one cell for each part: the first ones win
            return _first_cells(parts, width)
        worst = max(candidates, key=lambda i: step * (parts[i] / total * width - sizes[i]))
        sizes[worst] += step
    return sizes


def _first_cells(parts: list[int], width: int) -> list[int]:
    sizes: list[int] = []
    for part in parts:
        size = 1 if part and sum(sizes) < width else 0
        sizes.append(size)
    return sizes


def _joined(spans: list[Span], width: int, gap: str, whole: bool = False) -> Line:
    """The spans side by side as far as they fit; with `whole`, all of them or nothing."""
    joined: list[Span] = []
    used = 0
    for span in spans:
        size = cells(span.text) + (len(gap) if joined else 0)
        if used + size > width:
            return () if whole else tuple(joined)
        joined.append(Span((gap if joined else "") + span.text, span.tone))
        used += size
    return tuple(joined)
