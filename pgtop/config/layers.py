"""Values with their origin, and how layers of them combine.

A later layer overrides an earlier one, except for a guard: any layer can tighten it, and none can
loosen it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from pgtop.config.schema import Field


class LayerKind(Enum):
    """The kinds of layers, from the weakest to the strongest."""

    DEFAULT = "default"
    SYSTEM = "system file"
    USER = "user file"
    ENVIRONMENT = "environment"
    SERVER = "named server"
    COMMAND_LINE = "command line"


class Origin(NamedTuple):
    """The layer and the place that a value comes from."""

    layer: LayerKind = LayerKind.DEFAULT
    source: str = "default"
    """A file, a variable or an option."""
    text: str = ""
    """The whole text of the file, in which the line is searched for only when it is shown."""
    keys: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The source, with the line if it is a file."""
        if not self.keys:
            return self.source
        from pgtop.config.lines import line_of

        line = line_of(self.text, self.keys)
        return f"{self.source}:{line}" if line else self.source


class LayeredValue(NamedTuple):
    """A value and its origin."""

    value: Any
    origin: Origin = Origin()
    others: tuple[Origin, ...] = ()
    """The origins of the rest of a list that several layers make up."""

    @property
    def places(self) -> str:
        """All places that the value comes from, the weakest layer's first."""
        origins = (*self.others, self.origin)
        return ", ".join(dict.fromkeys(each.place for each in origins))

    @property
    def is_set(self) -> bool:
        """True if a layer sets the value."""
        return self.origin.layer is not LayerKind.DEFAULT


class Layer(NamedTuple):
    """Values from one place, by the names of their fields."""

    kind: LayerKind
    values: Mapping[str, LayeredValue]


def merge(fields: Iterable[Field], layers: Sequence[Layer]) -> dict[str, LayeredValue]:
    """Return the value in force of each field. The layers go from the weakest to the strongest."""
    merged = {}
    for field in fields:
        values = list(values_of(field.name, layers))
        merged[field.name] = _combined(field, values)
    return merged


def values_of(name: str, layers: Sequence[Layer]) -> Iterator[LayeredValue]:
    """Yield what the layers set a field to, the weakest first."""
    for layer in layers:
        if name in layer.values:
            yield layer.values[name]


def _combined(field: Field, values: Sequence[LayeredValue]) -> LayeredValue:
    if not values:
        return LayeredValue(field.default)
    if field.setting is None or not field.setting.is_guard:
        return values[-1]
    return _tightest(values)


def _tightest(values: Sequence[LayeredValue]) -> LayeredValue:
    """Return the union of lists, or the first value that is true, or the last one."""
    setters = [value for value in values if value.value] or [values[-1]]
    if not isinstance(setters[0].value, tuple):
        return setters[0]
    items = (item for value in setters for item in value.value)
    *others, strongest = [value.origin for value in setters]
    return LayeredValue(tuple(dict.fromkeys(items)), strongest, tuple(others))
