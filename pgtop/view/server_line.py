"""The first line of the header: the server, pgtop's role on it, and the clock."""

from collections.abc import Iterator, Sequence

from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between, to_datetime
from pgtop.monitor.poller import Event, Paused, PollFailed, PollOverdue
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line, line_cells
from pgtop.view.fitting import RIGHT, Wish, fit_wishes
from pgtop.view.latest import keeps_latest
from pgtop.view.looks import Looks
from pgtop.view.server_words import (
    account,
    address,
    short_address,
    version_doubt,
    version_number,
)

MODE, AGE, PLACE, VERSION, ROLE, UPTIME = range(6)
"""The parts of the line, from left to right."""
RECORDING = RIGHT
CLOCK = RIGHT + 1
_UPTIME_FROM = 100
"""Cells of screen from which the uptime is worth its room."""
_DAY = 86_400


def server_line(
    snapshot: Snapshot,
    event: Event,
    looks: Looks,
    width: int,
    is_recording: bool = False,
) -> Line:
    """Return the server, pgtop's role and the clock; on a narrow screen the least important part
    is shortened first.
    """
    server = snapshot.server
    time = clock(snapshot, event, looks)
    blank = line(" " * line_cells(time))
    top = [
        *top_wishes(event, looks),
        Wish(RECORDING, recording_mark(is_recording)),
    ]
    uptime = seconds_between(server.started_at, snapshot.taken_at)
    laid_out = _around_clock(
        server,
        looks,
        top,
        _in_one_unit(uptime) if width >= _UPTIME_FROM else "",
        blank,
        width,
    )
    has_clock = laid_out[-1:] == blank
    return (*laid_out[:-1], *time) if has_clock else laid_out


@keeps_latest
def _around_clock(
    server: Server,
    looks: Looks,
    top: Sequence[Wish],
    uptime: str,
    blank: Line,
    width: int,
) -> Line:
    """Return the line with a blank in place of the clock, if both have room: all but the clock is
    the same for minutes.
    """
    wishes = [
        *top,
        *_place_wishes(server, looks),
        *_doubts(server),
        Wish(CLOCK, blank),
        *_details(server),
        Wish(PLACE, looks.named(address(server))),
        _whole_version(server),
    ]
    if uptime:
        wishes.append(Wish(UPTIME, line(f"up {uptime}", Tone.QUIET)))
    return fit_wishes(wishes, width)


def top_wishes(event: Event, looks: Looks) -> Iterator[Wish]:
    """Yield what no width and no height may push off the screen."""
    if looks.read_only:
        yield Wish(MODE, line("READ-ONLY", Tone.NOTICE))
        yield Wish(MODE, line(" READ-ONLY ", Tone.NOTICE_PLATE))
    match event:
        case Paused(seconds):
            yield Wish(AGE, line(" PAUSED ", Tone.WARN_PLATE))
            words = f" PAUSED, DATA {counted_seconds(seconds)} OLD "
            yield Wish(AGE, line(words, Tone.WARN_PLATE))
        case PollOverdue(_, seconds) | PollFailed(_, _, seconds):
            old = f"{counted_seconds(seconds)} OLD "
            yield Wish(AGE, line(f" {old}", Tone.WARN_PLATE))
            yield Wish(AGE, line(f" DATA {old}", Tone.WARN_PLATE))


def recording_mark(is_recording: bool, is_short: bool = False) -> Line:
    """Return the mark of a recording that runs; () without one."""
    if not is_recording:
        return ()
    return line("●" if is_short else "● REC", Tone.NOTICE)


def _place_wishes(server: Server, looks: Looks) -> Iterator[Wish]:
    if looks.label:
        yield Wish(PLACE, (looks.label,))
    yield Wish(PLACE, looks.named(short_address(server)))


def _doubts(server: Server) -> Iterator[Wish]:
    """Yield what the reader must know before believing the rest: another role acts, or the version
    is not one that pgtop is tested on.
    """
    number = version_number(server)
    if server.acts_as_another:
        yield Wish(ROLE, line(clean(f"as {server.user}"), Tone.NOTICE))
    if doubt := version_doubt(server):
        yield Wish(VERSION, line(f"{number}?", Tone.NOTICE))
        yield Wish(VERSION, line(f"{number} {doubt}", Tone.NOTICE))
    elif server.in_recovery:
        yield Wish(VERSION, line("standby", Tone.NOTICE))
    if server.acts_as_another:
        yield Wish(ROLE, line(account(server)))


def _details(server: Server) -> Iterator[Wish]:
    if not server.acts_as_another:
        yield Wish(ROLE, line(account(server)))
    if not version_doubt(server) and not server.in_recovery:
        yield Wish(VERSION, line(version_number(server)))
    yield _version(server, version_number(server))


def _whole_version(server: Server) -> Wish:
    return _version(server, f"PostgreSQL {version_number(server)}")


def _version(server: Server, name: str) -> Wish:
    kind = (
        Span("standby", Tone.NOTICE)
        if server.in_recovery
        else Span("primary", Tone.PLAIN)
    )
    doubt = version_doubt(server)
    tail = (Span(f" {doubt}", Tone.NOTICE),) if doubt else ()
    return Wish(VERSION, (Span(f"{name} ", Tone.PLAIN), kind, *tail))


def clock(snapshot: Snapshot, event: Event, looks: Looks) -> Line:
    """Return the server's time of the sample, or the present time while there is none."""
    text, zone = _clock(snapshot, event, looks)
    return line(f"{text} {zone}", Tone.QUIET)


def short_clock(snapshot: Snapshot, event: Event, looks: Looks) -> Line:
    """Return the clock without its zone."""
    return line(_clock(snapshot, event, looks)[0], Tone.QUIET)


def _clock(snapshot: Snapshot, event: Event, looks: Looks) -> tuple[str, str]:
    moment = to_datetime(_now(snapshot.taken_at, event))
    if looks.is_local_time:
        local = moment.astimezone()
        return f"{local:%H:%M:%S}", clean(f"{local:%Z}")
    return f"{moment:%H:%M:%S}", "UTC"


def _now(taken_at: Instant, event: Event) -> Instant:
    """Return the time of the sample, and without a new one the time since it, too."""
    if not isinstance(event, PollFailed | PollOverdue):
        return taken_at
    return taken_at + int(event.age * MICROSECONDS)


def counted_seconds(seconds: float) -> str:
    """Return a time that counts by the second, with its unit apart up to a minute."""
    return f"{round(seconds)} s" if seconds < 59.5 else age(seconds)


def _in_one_unit(seconds: float) -> str:
    """Return a time in whole days, hours or minutes, which need not be drawn often."""
    for unit, name in ((_DAY, "d"), (3600, "h"), (60, "m")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} s"
