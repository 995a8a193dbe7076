"""Pressure stall information: how long processes wait for a resource that is short.

https://docs.kernel.org/accounting/psi.html
"""

from pgtop.model.host import Pressure
from pgtop.sources.host.proc import read_or_nothing

_SOME = b"some"
_MINUTE = b"avg60="


def pressure_of(path: str) -> Pressure:
    """Return the pressure in three files; `path` has {} in place of their resource."""
    return Pressure(*[_read(path.format(name)) for name in Pressure._fields])


def _read(path: str) -> float | None:
    return parse_pressure(read_or_nothing(path))


def parse_pressure(content: bytes) -> float | None:
    """Return the percent of the last minute in which at least one process waited; None if that is
    not known.
    """
    for line in content.splitlines():
        words = line.split()
        if words[:1] != [_SOME]:
            continue
        for word in words:
            if word.startswith(_MINUTE):
                return _percent(word.removeprefix(_MINUTE))
    return None


_ALL = 100


def _percent(text: bytes) -> float | None:
    whole, _, rest = text.partition(b".")
    if not whole.isdigit() or not rest.isdigit():
        return None
    value = float(text)
    return value if value <= _ALL else None
