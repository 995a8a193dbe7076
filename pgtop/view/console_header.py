"""The header of a dashboard on a pooler's own console, which has pools and nothing else."""

from collections.abc import Iterator

from pgtop.model.pools import pools_of
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.view.fitting import Wish, fit_wishes
from pgtop.view.headline import Headline, Trouble, lay_out
from pgtop.view.looks import Looks
from pgtop.view.pool_line import beside, troubles
from pgtop.view.server_line import CLOCK, clock, top_wishes
from pgtop.view.server_words import account, address, short_address

_PLACE, _VERSION, _ROLE = range(1, 4)
_VIEW = "pools"
_ALONE = (
    "A pooler's console: it has pools, and nothing of the server's sessions.",
    "A pooler's console: pools alone.",
)


def console_lines(state: State, looks: Looks, width: int) -> list[Line]:
    """Return the pooler and the clock, and the sentence that this is no server."""
    return [_top(state, looks, width), _sentence(width)]


def console_headline(state: State, looks: Looks, width: int) -> Headline:
    """Return what is wrong with the pools, or else how much of them is in use."""
    things = list(troubles(state))
    line_beside = beside(state)
    if not things and line_beside is not None:
        things = [Trouble(line_beside.forms)]
    if not things:
        things = [Trouble([line("the pooler is being read", Tone.QUIET)])]
    return lay_out(
        things,
        looks,
        width,
        _VIEW,
        state.stale,
    )


def _top(state: State, looks: Looks, width: int) -> Line:
    server = state.derived.snapshot.server
    wishes = [
        *top_wishes(state.event, looks),
        Wish(_PLACE, looks.named(short_address(server))),
        Wish(CLOCK, clock(state.derived.snapshot, state.event, looks)),
        *_version(state),
        Wish(_ROLE, line(account(server))),
        Wish(_PLACE, looks.named(address(server))),
    ]
    return fit_wishes(wishes, width)


def _version(state: State) -> Iterator[Wish]:
    reading = pools_of(state.derived.snapshot)
    for pooler in reading.poolers if reading is not None else ():
        yield Wish(_VERSION, line(clean(pooler.version)))


def _sentence(width: int) -> Line:
    fitting = [words for words in _ALONE if len(words) <= width]
    return line(fitting[0] if fitting else _ALONE[-1][:width], Tone.NOTICE)
