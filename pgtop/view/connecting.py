"""Whole screens while there is no snapshot yet: connecting, and waiting for the next try."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.model.connecting import STEPS, ConnectStep
from pgtop.model.failure import Failure, FailureKind
from pgtop.signalling.rights import identifier
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped

MARGIN = "   "
_WHOLE_FROM = 14
"""Lines of screen from which a state is explained; a smaller one has its sentence alone."""
_SLOW_SECONDS = 2.0
"""Seconds of connecting from which its possible reasons are named."""
_STEP_WIDTH = 14
_LABEL_WIDTH = 14
_HELP_WIDTH = 30


class ConnectTarget(NamedTuple):
    """The server as the user named it, and commands for this very connection."""

    place: str = ""
    user: str = ""
    label: Span | None = None
    as_superuser: str = ""
    """The command that connects as a superuser."""
    to_other_database: str = ""
    """The command that connects to another database."""
    keeps_trying: bool = False
    """True with --wait."""


class Retry(NamedTuple):
    """The last try, which failed, while pgtop waits for the next one."""

    failure: Failure
    tries: int
    every: float
    """Seconds from one try to the next."""
    since: float = 0.0
    """Seconds since the last try."""


def connecting_lines(
    target: ConnectTarget,
    steps: Sequence[ConnectStep],
    now: float,
    seconds: float,
    width: int,
    height: int,
) -> list[Line]:
    """Return the server that is awaited, for how long, and how far the login has come."""
    sentence = _connecting_sentence(target, seconds, width)
    if height < _WHOLE_FROM:
        return [sentence]
    lines = [*_top(target), _indented(sentence), (), *_step_lines(steps, now)]
    if seconds >= _SLOW_SECONDS:
        lines += [(), *_paragraph(_slow_words(target), Tone.QUIET, width)]
    return lines


def retry_lines(
    target: ConnectTarget, retry: Retry, width: int, height: int
) -> list[Line]:
    """Return why there is no connection, what helps, and when the next try is."""
    cause, _, words = clean(retry.failure.what).partition(": ")
    plate = _plate(retry.failure.kind)
    sentence = (plate, Span(f" {cause.rstrip('.')}.", Tone.STRONG))
    pace = _pace(retry)
    if height < _WHOLE_FROM:
        first = wrapped(sentence, width)[:2]
        return [*first, *wrapped(line(pace), width)]
    indented = wrapped(_indented(sentence), width, len(MARGIN))
    lines = [*_top(target), *indented]
    lines.append(())
    for name, value in (("Server says", words), ("You are", clean(target.user))):
        lines += _labelled(name, value, width) if value else []
    lines += [(), *_help(target, retry.failure, width)]
    return [*lines, (), *_paragraph(pace, Tone.PLAIN, width)]


def _top(target: ConnectTarget) -> list[Line]:
    label = (target.label, Span(" ", Tone.PLAIN)) if target.label else ()
    place = (Span(clean(target.place), Tone.STRONG),) if target.place else ()
    return [(*label, *place), (), ()]


def _connecting_sentence(target: ConnectTarget, seconds: float, width: int) -> Line:
    duration = f" {int(seconds)}s" if seconds >= 1 else ""
    user = f" as {clean(target.user)}" if target.user else ""
    words = f"Connecting{_to(target.place, width, user + duration)}{user} …{duration}"
    return line(words, Tone.STRONG)


def _to(place: str, width: int, rest: str) -> str:
    """Return the server with the word before it, cut so that the rest has room."""
    room = width - len(MARGIN) - len("Connecting to  …") - cells(rest)
    if not place or room <= 0:
        return ""
    return f" to {fit(place, min(room, cells(clean(place)))).rstrip()}"


def _step_lines(steps: Sequence[ConnectStep], now: float) -> Iterator[Line]:
    """Yield every step: done with what came of it, under way with its time, or still to come."""
    begun = {step.name: place for place, step in enumerate(steps)}
    for name in STEPS:
        place = begun.get(name)
        if place is None:
            yield _indented(line(f"· {name}", Tone.QUIET))
        elif place + 1 < len(steps):
            step = steps[place]
            spent = steps[place + 1].began - step.began
            words = clean(step.detail) or f"{spent * 1000:.0f} ms"
            yield _step(
                "✓",
                Tone.CALM,
                name,
                words,
            )
        else:
            waits = f"waiting, {max(0.0, now - steps[place].began):.0f} s"
            yield _step(
                "▶",
                Tone.STRONG,
                name,
                waits,
            )


def _step(
    sign: str,
    tone: Tone,
    name: str,
    words: str,
) -> Line:
    return (
        Span(f"{MARGIN}{sign} ", tone),
        Span(f"{name:<{_STEP_WIDTH}}", Tone.PLAIN),
        Span(words, Tone.QUIET),
    )


def _slow_words(target: ConnectTarget) -> str:
    reasons = "The server may be starting, or short of slots."
    if target.keeps_trying:
        return f"{reasons} pgtop keeps trying."
    return f"{reasons} pgtop gives up at the limit of connect_timeout; --wait keeps trying."


def _plate(kind: FailureKind) -> Span:
    if kind is FailureKind.FULL:
        return Span(" FULL ", Tone.ALARM_PLATE)
    return Span(f" {kind.upper()} ", Tone.WARN_PLATE)


def _pace(retry: Retry) -> str:
    tries = f"{retry.tries} {'try' if retry.tries == 1 else 'tries'}"
    since = f"the last {retry.since:.0f} s ago"
    if retry.since > retry.every:
        return f"Trying again now: {tries}, {since}."
    return f"Trying again every {retry.every:g} s: {tries}, {since}."


def _help(target: ConnectTarget, failure: Failure, width: int) -> Iterator[Line]:
    """Yield what helps now: the advice, and commands for it."""
    if not failure.advice:
        return
    yield _indented(line("What helps now", Tone.STRONG))
    advice = Span(f"{MARGIN}· {clean(failure.advice)}", Tone.PLAIN)
    yield from wrapped((advice,), width, len(MARGIN) + 2)
    for option, name, command in (
        ("(-U)", "As a superuser:", target.as_superuser),
        ("(-d)", "Another database:", target.to_other_database),
        ("(-U)", "Next time, from 16 on:", _grant(target)),
    ):
        if option in failure.advice and command:
            yield from _command(name, command, width)


def _grant(target: ConnectTarget) -> str:
    user = clean(identifier(target.user)) if target.user else ""
    return f"GRANT pg_use_reserved_connections TO {user}" if user else ""


def _command(name: str, command: str, width: int) -> Iterator[Line]:
    """Yield a command to copy, beside its name or below it: a command is not broken if it fits."""
    label = f"{MARGIN}· {name}"
    if _HELP_WIDTH + cells(command) <= width:
        yield (
            Span(f"{label:<{_HELP_WIDTH}}", Tone.QUIET),
            Span(command, Tone.NOTICE),
        )
        return
    yield line(label, Tone.QUIET)
    yield from wrapped((Span(f"{MARGIN}  {command}", Tone.NOTICE),), width, 5)


def _labelled(name: str, value: str, width: int) -> Iterator[Line]:
    label = Span(f"{MARGIN}{name:<{_LABEL_WIDTH}}", Tone.QUIET)
    indent = len(MARGIN) + _LABEL_WIDTH
    yield from wrapped((label, Span(value, Tone.PLAIN)), width, indent)


def _paragraph(words: str, tone: Tone, width: int) -> list[Line]:
    return wrapped((Span(f"{MARGIN}{clean(words)}", tone),), width, len(MARGIN))


def _indented(words: Line) -> Line:
    return (Span(MARGIN, Tone.PLAIN), *words)
