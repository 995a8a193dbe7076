"""The lines around the body of every screen: header, status, notice and keys.

Nothing here imports Textual, so that the first frame can be drawn before it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pgtop.actions import Action
from pgtop.monitor.poller import PollFailed
from pgtop.monitor.state import State
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, as_far_as_fits, first_lines, line, plain_text, wrapped
from pgtop.view.fitting import justified
from pgtop.view.freshness import reason
from pgtop.view.header import NO_VIEWS, Header, Views, header
from pgtop.view.key_line import KeyLine, key_line
from pgtop.view.looks import Looks

_NOTICE_LINES = 3
_RETRY = "refresh"
"""The action that matters most while the server is away."""
_PAST = "step_back"
_NO_SIGNALS = "signals need the server"


class Frame(NamedTuple):
    """A screen without its body, from top to bottom; the body has its place above the notice."""

    header: Header
    status: Line
    """() on a screen that shows its status in its own heading."""
    notice: Sequence[Line]
    keys: KeyLine

    @property
    def above(self) -> list[Line]:
        """The lines above the body."""
        status = [self.status] if self.status else []
        return [*self.header.lines, *status]

    @property
    def below(self) -> list[Line]:
        """The lines below the body."""
        return [*self.notice, self.keys.line]


class Surroundings(NamedTuple):
    """Everything that a screen puts around its body."""

    looks: Looks = Looks()
    views: Views = NO_VIEWS
    status: Line = ()
    """What the screen narrows the snapshot to."""
    complaint: str = ""
    """What is wrong with what the user typed."""
    remark: str = ""
    """Shown while nothing is wrong and the user has requested nothing."""
    actions: tuple[Action, ...] = ()
    """What the bottom line offers, the most needed first."""
    has_field: bool = False
    """True while text is typed: keys are no commands then."""


def frame(
    state: State,
    around: Surroundings,
    width: int,
    height: int,
    top: Header | None = None,
) -> Frame:
    """Lay out a screen around its body: the first frame, and every one that Textual draws.

    `top` is the header that was laid out for the same state and size before.
    """
    if top is None:
        top = header(
            state,
            around.looks,
            around.views,
            width,
            height,
        )
    return Frame(
        header=top,
        status=as_far_as_fits(around.status, width),
        notice=notice_lines(state, around, top, width),
        keys=_keys(state, around, width),
    )


def _keys(state: State, around: Surroundings, width: int) -> KeyLine:
    """Return the keys that work now; in the past, those that lead through it."""
    keymap = around.looks.keymap
    if state.past is None or around.has_field:
        return footer(state, around.actions, keymap.action(_RETRY), width)
    from pgtop.view.past import past_keys

    return past_keys(
        state.past,
        keymap,
        around.actions,
        state.interval,
        width,
    )


def footer(
    state: State, actions: tuple[Action, ...], retry_action: Action, width: int
) -> KeyLine:
    """Return the keys that work now; without a server none signals, and one tries again."""
    if not isinstance(state.event, PollFailed):
        return key_line(actions, width)
    harmless = [action for action in actions if not action.dangerous]
    offered = _without_server(harmless, retry_action)
    keys = key_line(offered, width - len(_NO_SIGNALS) - 2)
    if len(harmless) == len(actions) or not keys.places:
        return key_line(offered, width)
    return keys._replace(
        line=justified(keys.line, line(_NO_SIGNALS, Tone.QUIET), width)
    )


def _without_server(
    harmless: Sequence[Action], retry_action: Action
) -> tuple[Action, ...]:
    """Return the actions with the try early, and the past, which is all that there is to see."""
    moved = (_RETRY, _PAST)
    others = [action for action in harmless if action.id not in moved]
    past = [action for action in harmless if action.id == _PAST]
    retry = named_for_retry(retry_action)
    return (*others[:2], retry, *others[2:3], *past, *others[3:])


def named_for_retry(action: Action) -> Action:
    """Return the action; the one that samples at once, named for a try to connect."""
    return action._replace(short="try now") if action.id == _RETRY else action


def notice_lines(
    state: State, around: Surroundings, top: Header, width: int
) -> Sequence[Line]:
    """Return the most important sentence of this moment, on up to three lines."""
    words = _most_important(state, around, top)
    if words.text:
        return _notice((words,), width)
    return _notice(top.headline.doubt, width) if top.headline.doubt else ()


@lru_cache(maxsize=4)
def _notice(words: Line, width: int) -> tuple[Line, ...]:
    return tuple(first_lines(wrapped(words, width), _NOTICE_LINES, width))


def _most_important(state: State, around: Surroundings, top: Header) -> Span:
    """Return why the server is away, before anything else, unless the headline has it whole; the
    effect of a signal stands behind it.
    """
    lost = reason(state)
    if lost in plain_text(top.headline.line):
        lost = ""
    notice = Span(around.complaint, Tone.WARN) if around.complaint else state.notice
    if not lost:
        remark = "" if top.headline.doubt else around.remark
        return notice or Span(remark, Tone.QUIET)
    words = f"{lost} · {notice.text}" if notice else lost
    return Span(words, Tone.WARN)
