"""The header, the footer and the sentences of the past. Loaded when the past is first shown."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.actions import Action
from pgtop.analysis.timeline import Ending, TimelineEvent
from pgtop.keys import Keymap
from pgtop.model.backend import Backend
from pgtop.model.gap import Gap
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.monitor.past import Past
from pgtop.monitor.state import State
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line
from pgtop.view.alarm import SIGN
from pgtop.view.fields import field, field_lines
from pgtop.view.fitting import Wish, fit_wishes
from pgtop.view.key_line import KeyLine, KeyPlace
from pgtop.view.looks import Looks
from pgtop.view.server_line import CLOCK, RECORDING, recording_mark
from pgtop.view.server_words import account, address, short_address, version_number
from pgtop.view.time_line import GAP, first_time, has_unknown, time_cells

_PLATE, _STATE, _SERVER, _VERSION, _ROLE, _RIGHTS = range(6)
_COUNTS = 6
_ZONE = " UTC"


def clock_text(instant: Instant, looks: Looks) -> str:
    """Return a time of day as the header shows it, without its zone."""
    moment = to_datetime(instant)
    if looks.is_local_time:
        moment = moment.astimezone()
    return f"{moment:%H:%M:%S}"


def zoned_clock_text(instant: Instant, looks: Looks) -> str:
    """Return a time of day with its zone."""
    return f"{clock_text(instant, looks)}{_zone(instant, looks)}"


def _zone(instant: Instant, looks: Looks) -> str:
    if not looks.is_local_time:
        return _ZONE
    return clean(f" {to_datetime(instant).astimezone():%Z}")


# The header.


def past_line(state: State, past: Past, looks: Looks, width: int) -> Line:
    """Return the first line: the time that is shown, on a plate, and the server."""
    snapshot = state.derived.snapshot
    server = snapshot.server
    wishes = [
        *_plates(past, looks),
        *([Wish(_SERVER, (looks.label,))] if looks.label else []),
        Wish(RECORDING, recording_mark(state.is_recording, is_short=True)),
        Wish(CLOCK, _way_back(past, looks)),
        Wish(_SERVER, looks.named(short_address(server))),
        *_plays(past),
        *_rights(past),
        Wish(_SERVER, looks.named(address(server))),
        Wish(_VERSION, line(version_number(server))),
        *_roles(past, account(server)),
    ]
    return fit_wishes(wishes, width)


def compact_past_line(
    state: State, past: Past, looks: Looks, counts: Sequence[Wish], width: int
) -> Line:
    """Return the time and the use of the slots in one line, for small screens."""
    moved = [Wish(each.place + _COUNTS, each.form) for each in counts]
    wishes = [
        *_plates(past, looks, is_short=True),
        *moved,
        Wish(RECORDING, recording_mark(state.is_recording, is_short=True)),
        Wish(CLOCK, _way_back(past, looks)),
        *_plates(past, looks),
    ]
    return fit_wishes(wishes, width)


def _plates(past: Past, looks: Looks, is_short: bool = False) -> Iterator[Wish]:
    name = "PAST" if past.replayed is None else "REPLAY"
    time = clock_text(past.at, looks)
    yield Wish(_PLATE, line(name, Tone.WARN_PLATE))
    yield Wish(_PLATE, line(f" {name} {time} ", Tone.WARN_PLATE))
    if is_short:
        return
    zone = _zone(past.at, looks)
    if past.replayed is not None:
        day = to_datetime(past.at)
        if looks.is_local_time:
            day = day.astimezone()
        yield Wish(
            _PLATE, line(f" {name} {day:%Y-%m-%d} {time}{zone} ", Tone.WARN_PLATE)
        )
        return
    ago = age(past.ago)
    yield Wish(_PLATE, line(f" {name} {time}, {ago} ago ", Tone.WARN_PLATE))
    yield Wish(_PLATE, line(f" {name} {time}{zone}, {ago} ago ", Tone.WARN_PLATE))


def _way_back(past: Past, looks: Looks) -> Line:
    """Return the key that leads to now; in a replay to the end."""
    key = looks.key("now")
    place = Span(f" {_place_of_end(past)}", Tone.QUIET)
    return (Span(key, Tone.STRONG), place) if key else ()


def _plays(past: Past) -> Iterator[Wish]:
    if past.speed:
        yield Wish(_STATE, line(f"▶ {past.speed:g}x", Tone.NOTICE))


def _rights(past: Past) -> Iterator[Wish]:
    """Yield what the recorder was not allowed to see."""
    if past.replayed is not None and not past.replayed.reads_all:
        yield Wish(_RIGHTS, line("other roles' queries hidden", Tone.WARN))


def _roles(past: Past, name: str) -> Iterator[Wish]:
    """Yield the role that sampled, and whether that of a recording saw all."""
    yield Wish(_ROLE, line(name))
    if past.replayed is not None and past.replayed.reads_all:
        yield Wish(_ROLE, line(f"recorded by {name}, which sees all"))


def time_line(past: Past, looks: Looks, width: int) -> Line:
    """Return the time line between its first and its last minute."""
    stretch = past.stretch
    if width < _TIMES_FROM:
        return time_cells(stretch, past.at, max(1, width))
    words = " used" if width >= _WORDS_FROM else ""
    size = max(1, width - 2 * len("00:00 ") - len(words))
    drawn = time_cells(stretch, past.at, size)
    start = clock_text(first_time(stretch, size), looks)[:5]
    end = clock_text(stretch.last_at, looks)[:5]
    return (
        Span(f"{start} ", Tone.QUIET),
        *drawn,
        Span(f" {end}{words}", Tone.QUIET),
    )


_TIMES_FROM = 24
"""Cells of screen from which the line has its first and its last minute."""
_WORDS_FROM = 60
"""Cells of screen from which the line names what it shows."""


def legend_line(past: Past, looks: Looks, width: int) -> Line:
    """Return what the time line has around this instant; in a gap, why nothing is known."""
    if past.gap is not None:
        words = gap_words(past.gap, looks)
        if cells(words) > width:
            words = f"gap: {clean(past.gap.reason)}"
        return line(fit(words, min(cells(words), width)), Tone.WARN)
    wishes = []
    event = past.last_event
    if event is not None:
        wishes.append(Wish(2, _event_form(event, looks, is_short=True)))
        wishes.append(Wish(2, _event_form(event, looks)))
    gap = _nearest_gap(past)
    if gap is not None:
        wishes.append(Wish(1, line(_gap_form(gap), Tone.QUIET)))
    if has_unknown(time_cells(past.stretch, past.at, max(1, width - 17))):
        wishes.append(Wish(0, line("· no data", Tone.QUIET)))
    if not wishes:
        wishes.append(Wish(0, line("no event so far", Tone.QUIET)))
    if shortage := past.timeline.shortage:
        wishes.append(Wish(3, line(clean(shortage), Tone.NOTICE)))
    return fit_wishes(wishes, width)


def _event_form(event: TimelineEvent, looks: Looks, is_short: bool = False) -> Line:
    time = clock_text(event.at, looks)
    words = clean(event.kind if is_short else event.words)
    return (Span(SIGN, Tone.WARN), Span(f"{words} {time}", Tone.PLAIN))


def _nearest_gap(past: Past) -> Gap | None:
    gaps = past.stretch.gaps
    if not gaps:
        return None
    return min(gaps, key=lambda gap: abs(gap.first_at - past.at))


def _gap_form(gap: Gap) -> str:
    reason = clean(gap.reason)
    if gap.last_at is None:
        return f"{GAP} {reason}"
    return f"{GAP} {reason} {age(seconds_between(gap.first_at, gap.last_at))}"


def gap_words(gap: Gap, looks: Looks) -> str:
    """Return the sentence about a time without samples."""
    start = clock_text(gap.first_at, looks)
    reason = clean(gap.reason)
    if gap.last_at is None:
        return f"no sample since {start}: {reason}"
    return f"no sample {start} to {clock_text(gap.last_at, looks)}: {reason}"


# The footer.


def past_keys(
    past: Past,
    keymap: Keymap,
    screen_actions: Sequence[Action],
    interval: float,
    width: int,
) -> KeyLine:
    """Return the keys that lead through the past, and then as many of the screen's as fit."""
    groups = [
        _KeyGroup(("step_back", "step_forward"), f"{interval:g} s"),
        _KeyGroup(("minute_back", "minute_forward"), "1 min"),
        _KeyGroup(("event_back", "event_forward"), "event"),
        _KeyGroup(("now",), _place_of_end(past)),
        _KeyGroup(("goto",), "time"),
        _KeyGroup(("pause",), "stop" if past.speed else "play"),
    ]
    known = {name for group in groups for name in group.actions} | _NOT_OFFERED
    harmless = [action for action in screen_actions if not action.dangerous]
    groups += [
        _KeyGroup((each.id,), each.short) for each in harmless if each.id not in known
    ]
    return _fitted_keys(groups, keymap, width)


def _fitted_keys(groups: Sequence["_KeyGroup"], keymap: Keymap, width: int) -> KeyLine:
    """Return the groups that fit whole, the first ones first."""
    spans: list[Span] = []
    places: list[KeyPlace] = []
    x = 0
    for group in groups:
        keys = group.keys(keymap)
        keys_size = sum([cells(name) + 1 for name, _ in keys])
        size = keys_size + cells(group.words)
        if not keys or x + size > width:
            continue
        for name, call in keys:
            places.append(KeyPlace(x, x + cells(name), call))
            spans.append(Span(f"{name} ", Tone.STRONG))
            x += cells(name) + 1
        spans.append(Span(f"{group.words}  ", Tone.QUIET))
        x += cells(group.words) + 2
    return KeyLine(tuple(spans), tuple(places))


_NOT_OFFERED = {"tag"}
"""Actions that mean nothing in the past."""


class _KeyGroup(NamedTuple):
    """Actions that share their words in the footer."""

    actions: tuple[str, ...]
    words: str

    def keys(self, keymap: Keymap) -> list[tuple[str, str]]:
        """Return the first key of each action that has one, and what a click on it calls."""
        actions = [keymap.action(name) for name in self.actions if name in keymap]
        return [
            (each.key_names[0], each.call or each.id) for each in actions if each.keys
        ]


def _place_of_end(past: Past) -> str:
    return "now" if past.now is not None else "end"


# Sentences.


def ending_words(ending: Ending | None, looks: Looks) -> str:
    """Return when a session ended, and how if the audit log has it; "" if it lives."""
    if ending is None:
        return ""
    by = f", terminated by {clean(ending.by)}" if ending.by else ""
    return f"gone {clock_text(ending.gone_at, looks)}{by}"


def absent_words(
    past: Past,
    backend: Backend,
    seen_at: Instant,
    looks: Looks,
) -> str:
    """Return why a session that was there at `seen_at` is not there at the instant shown."""
    start = backend.backend_start
    if start is not None and past.at < start:
        return f"logged in later, at {clock_text(start, looks)}"
    if past.at < seen_at:
        return "was not there yet"
    return ending_words(past.timeline.end_of(backend.identity, seen_at), looks)


def later_lines(
    past: Past,
    backend: Backend,
    looks: Looks,
    width: int,
) -> list[Line]:
    """Return a line about the end of a session that was there at this instant, if it ended."""
    words = ending_words(past.ending_of(backend.identity), looks)
    if not words:
        return []
    return field_lines([field("Later", words, Tone.NOTICE)], width)


def cannot_signal_words(past: Past, looks: Looks) -> str:
    """Return why nothing is signalled, and the key that leads to where it can be."""
    time = clock_text(past.at, looks)
    if past.now is None:
        return f"a replay has no server: nothing of {time} can be signalled"
    return f"{time} is past: nothing can be signalled there, {looks.key('now')} leads to now"
