"""The lines on top of a printed page: the server, and the use of its connection slots."""

from pgtop.analysis.budget import Budget, Level
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import seconds_between, to_datetime
from pgtop.text.clean import cells, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line_cells
from pgtop.view.server_words import account, address, version_doubt, version_number
from pgtop.view.slot_words import (
    FREE,
    LETTERS,
    LEVELS,
    RESERVED,
    UNSEEN,
    about,
    held,
    misses_logins,
    reserves,
    your_words,
)

_WORDS = {"idle in transaction": "idle in tx"}
_FORMS = ("{letter} {count} {state}", "{letter}{count} {word}", "{letter}{count}")
_MARKS = {Level.CALM: "", Level.WARN: "! ", Level.ALARM: "!! "}
_SHORTEST_BAR = 16
_CLOCK = len("00:00:00 UTC")


def server_line(snapshot: Snapshot, width: int) -> Line:
    """Return the server, pgtop's role, the uptime, and the server's time of the sample.

    On a narrow screen the least important part is left out first.
    """
    server = snapshot.server
    place = address(server)
    room = max(1, width - _CLOCK - 1)
    parts = [
        Span(fit(place, min(cells(place), room)), Tone.STRONG),
        Span(f"PostgreSQL {version_number(server)}", Tone.PLAIN),
        Span(version_doubt(server), Tone.NOTICE),
        Span(account(server), Tone.PLAIN),
        Span(
            f"up {age(seconds_between(server.started_at, snapshot.taken_at))}",
            Tone.QUIET,
        ),
        Span("standby" if server.in_recovery else "", Tone.NOTICE),
    ]
    clock = f"{to_datetime(snapshot.taken_at):%H:%M:%S} UTC"
    left = _joined(
        [part for part in parts if part.text], width - cells(clock) - 1, "  "
    )
    used = line_cells(left)
    if used + cells(clock) + 1 > width:
        return left
    return (
        *left,
        Span(" " * (width - used - cells(clock)), Tone.PLAIN),
        Span(clock, Tone.QUIET),
    )


def budget_line(budget: Budget, width: int) -> Line:
    """Return the bar, and beside it the longest words that leave it enough room."""
    tone = LEVELS[budget.level]
    forms = _words(budget)
    room_for_words = max(0, width - 3 - _SHORTEST_BAR)
    words = next((form for form in forms if cells(form) <= room_for_words), "")
    words = words or fit(forms[-1], room_for_words).rstrip()
    room = width - 2 - (cells(words) + 1 if words else 0)
    if room < 1:
        return (Span(fit(words, width), tone),)
    tail = (Span(f" {words}", tone),) if words else ()
    return (Span("[", Tone.PLAIN), *bar(budget, room), Span("]", Tone.PLAIN), *tail)


def bar(budget: Budget, width: int) -> Line:
    """Return max_connections as `width` cells; every part that is not empty has at least one."""
    counts = [budget.states.get(state, 0) for state in LETTERS]
    unseen = max(0, budget.used - sum(budget.states.values()))
    free = max(0, budget.free)
    rest = max(0, budget.max_connections - budget.used - free)
    sizes = _shares([*counts, unseen, free, rest], width)
    letters = [
        *LETTERS.values(),
        (UNSEEN, Tone.NOTICE),
        (FREE, Tone.PLAIN),
        (RESERVED, Tone.NOTICE),
    ]
    pairs = zip(letters, sizes, strict=True)
    return tuple(Span(letter * size, tone) for (letter, tone), size in pairs if size)


def legend_line(budget: Budget, width: int, more: str = "") -> Line:
    """Return the letters with their counts, what is left for pgtop's role, the walsenders, and
    `more`.
    """
    whole, _, _ = your_words(budget)
    left = Span(whole, Tone.PLAIN)
    walsenders = Span(
        f"walsenders {budget.walsenders}/{budget.max_wal_senders}", Tone.QUIET
    )
    for form in _FORMS:
        spans = [*_counts(budget, form), left, walsenders]
        spans += [Span(more, Tone.QUIET)] if more else []
        legend = _joined(
            spans,
            width,
            "  ",
            whole=form != _FORMS[-1],
        )
        if legend:
            return legend
    return ()


def _counts(budget: Budget, form: str) -> list[Span]:
    """Return how many sessions are in each state, in this form, and how many are hidden.

    If some are hidden, a count of zero is left out: this role cannot know it.
    """
    always = (
        () if budget.hidden else ("active", "waiting", "idle in transaction", "idle")
    )
    counts = [(state, *face, budget.states[state]) for state, face in LETTERS.items()]
    counts.append(("hidden", UNSEEN, Tone.NOTICE, budget.hidden))
    spans = []
    for state, letter, tone, count in counts:
        if count or state in always:
            word = _WORDS.get(state, state)
            text = form.format(
                letter=letter,
                count=count,
                state=state,
                word=word,
            )
            spans.append(Span(text, tone))
    return spans


def _words(budget: Budget) -> list[str]:
    mark = _MARKS[budget.level]
    about_words = about(budget)
    in_use = held(budget)
    unseen = budget.free > 0 and misses_logins(budget)
    tilde = "~" if about_words else ""
    used = f"{mark}{about_words}{in_use} of {budget.ordinary} used"
    shortest = f"{mark}{tilde}{in_use}/{budget.ordinary}"
    reserved = ", ".join(reserves(budget))
    if unseen:
        used += f"; at most {budget.free} free"
        logins = "logins in progress unseen"
        forms = [(used, reserved, logins), (used, logins)]
        shortest += f", up to {budget.free} free"
    else:
        used += f"; {about_words}{budget.free} free"
        forms = [(used, reserved), (used, f"{budget.reserved_left} reserved")]
        shortest += f", {tilde}{budget.free} free"
    return [*("; ".join(filter(None, form)) for form in forms), used, shortest]


def _shares(parts: list[int], width: int) -> list[int]:
    """Return the cells for each part, in proportion.

    Every part that is not empty gets at least one; the sum is `width`.
    """
    total = sum(parts)
    if total == 0:
        return [0] * len(parts)
    sizes = [_cells(part, total, width) for part in parts]
    while sum(sizes) != width:
        step = 1 if sum(sizes) < width else -1
        candidates = [
            i for i, size in enumerate(sizes) if parts[i] and size + step >= 1
        ]
        if not candidates:  # fewer cells than parts: the first ones win
            return _first_cells(parts, width)
        worst = max(
            candidates, key=lambda i: step * (parts[i] / total * width - sizes[i])
        )
        sizes[worst] += step
    return sizes


def _cells(part: int, total: int, width: int) -> int:
    return max(1, part * width // total) if part else 0


def _first_cells(parts: list[int], width: int) -> list[int]:
    sizes: list[int] = []
    for part in parts:
        size = 1 if part and sum(sizes) < width else 0
        sizes.append(size)
    return sizes


def _joined(
    spans: list[Span],
    width: int,
    gap: str,
    whole: bool = False,
) -> Line:
    """Join the spans as far as they fit; with `whole`, all of them or none."""
    joined: list[Span] = []
    used = 0
    for span in spans:
        size = cells(span.text) + (len(gap) if joined else 0)
        if used + size > width:
            return () if whole else tuple(joined)
        joined.append(Span((gap if joined else "") + span.text, span.tone))
        used += size
    return tuple(joined)
