"""The lines below the bar about what stands beside the server: poolers, standbys, the host.

Each has a module with the two functions of `BesideModule`. It is loaded when a snapshot first has
the section, so that a server without one pays nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from pgtop.monitor.state import State
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line_cells, plain_text
from pgtop.view.fitting import GAP, joined, longest_that_fits

if TYPE_CHECKING:
    from pgtop.view.headline import Trouble

_MODULES: Final[Mapping[str, str]] = {
    "pools": "pgtop.view.pool_line",
    "replication": "pgtop.view.replication_line",
    "host": "pgtop.view.host",
}
"""The modules by the name of the section that they show, in the order of their lines."""
_FROM = 28
"""Lines of screen from which there is room for a line besides the five of the header."""
_STEP = 4
"""Lines of screen for each further line."""
_ALARMS = (Tone.ALARM, Tone.ALARM_PLATE)


class Beside(NamedTuple):
    """One thing beside the server in words of several lengths, the longest first."""

    forms: Sequence[Line]
    is_wrong: bool = False
    """True if it comes first where there is no room for all."""
    other_forms: Sequence[Line] = ()
    """What to show in their place if the headline has these words already."""


class BesideModule(Protocol):
    """The functions of each of these modules."""

    def beside(self, state: State) -> Beside | None:
        """Return the line; None if there is nothing to show."""
        ...

    def troubles(self, state: State) -> "Iterator[Trouble]":
        """Yield what is wrong, for the headline, the worst first."""
        ...


def room_beside(height: int) -> int:
    """Return how many lines a screen of this height has for what stands beside the server."""
    return max(0, (height - _FROM) // _STEP + 1)


def beside_lines(state: State, width: int, room: int, headline: Line) -> list[Line]:
    """Return at most `room` lines, what is wrong first; what has no line of its own stands behind
    the last one, as far as it fits.
    """
    known = plain_text(headline)
    shown = _things(state) if room else []
    things = [_forms_besides(each, known) for each in shown]
    own = things[: room - 1] if len(things) > room else things
    lines = [longest_that_fits(forms, width) for forms in own]
    others = things[len(own) :]
    return [*lines, _folded(others, width)] if others else lines


def _forms_besides(thing: Beside, known: str) -> Sequence[Line]:
    """Return the forms, or the others if the headline has the words already."""
    words = plain_text(thing.forms[0])
    is_known = bool(thing.other_forms) and words in known
    return thing.other_forms if is_known else thing.forms


def alarms_beside(state: State) -> "Iterator[Trouble]":
    """Yield what needs action now."""
    return (each for each in _troubles(state) if _is_alarm(each))


def warnings_beside(state: State) -> "Iterator[Trouble]":
    """Yield what is wrong and can wait."""
    return (each for each in _troubles(state) if not _is_alarm(each))


def calm_beside(state: State) -> Iterator[Sequence[Line]]:
    """Yield the forms of what is in order, for a screen without lines for that."""
    for each in _things(state):
        if not each.is_wrong:
            yield each.forms


def _is_alarm(trouble: "Trouble") -> bool:
    return trouble.forms[0][0].tone in _ALARMS


def _modules(state: State) -> Iterator[BesideModule]:
    sections = state.derived.snapshot.sections
    for name, module in _MODULES.items():
        section = sections.get(name)
        if section is not None and (section.data is not None or section.reason):
            yield _loaded(module)


@cache
def _loaded(module: str) -> BesideModule:
    return cast("BesideModule", import_module(module))


def _things(state: State) -> list[Beside]:
    """Return what there is to show, what is wrong first."""
    things = [module.beside(state) for module in _modules(state)]
    return sorted(filter(None, things), key=lambda each: not each.is_wrong)


def _troubles(state: State) -> "Iterator[Trouble]":
    for module in _modules(state):
        yield from module.troubles(state)


def _folded(things: Sequence[Sequence[Line]], width: int) -> Line:
    """Return several things in one line, each as long as the others leave room."""
    folded: Line = ()
    for forms in things:
        used = line_cells(folded) + GAP if folded else 0
        form = longest_that_fits(forms, width - used)
        folded = joined([folded, form])
    return folded
