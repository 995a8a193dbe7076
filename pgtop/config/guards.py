"""The guards of signals: those of the command line, the environment and the files combined.

Each layer can add a guard, and none can remove one. The command line hands in how filters are read.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin, values_of
from pgtop.config.settings import Safety
from pgtop.config.toml_file import Problem
from pgtop.errors import UsageError
from pgtop.table.filter import Filter

FilterReader: TypeAlias = Callable[[str, str], Filter]
"""Reads a filter that protects sessions, from text and place. Raises UsageError."""


class Guards(NamedTuple):
    """The guards in force."""

    read_only: str = ""
    """Why nothing may be signalled, or ""."""
    protect: tuple[Filter, ...] = ()
    require_audit: bool = False
    redact: bool = False


def command_line_layer(options: Safety) -> Layer:
    """Return the guards of the command line as a layer. An option that is absent sets nothing."""
    values = {
        name: LayeredValue(
            value,
            Origin(LayerKind.COMMAND_LINE, _option(name)),
        )
        for name, value in options._asdict().items()
        if value
    }
    return Layer(
        LayerKind.COMMAND_LINE,
        values,
    )


def guards_of(layers: tuple[Layer, ...], read_filter: FilterReader) -> Guards:
    """Combine the guards of all layers; the command line's filters come first. Raises UsageError
    for an unreadable filter.
    """
    redact = bool(_first_set("redact", layers))
    protect = tuple(_protections(layers, read_filter))
    for each in protect if redact else ():
        check_reads_no_queries(each, f"--protect {each.text!r}")
    return Guards(
        read_only=_read_only_reason(layers),
        protect=protect,
        require_audit=bool(_first_set("require_audit", layers)),
        redact=redact,
    )


def without_filters(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return the layers without the filters that protect sessions, some of which are wrong."""
    kept = []
    for layer in layers:
        values = {
            name: value for name, value in layer.values.items() if name != "protect"
        }
        kept.append(layer._replace(values=values))
    return tuple(kept)


def check_reads_no_queries(chosen: Filter, name: str) -> None:
    """Raise UsageError for a filter that reads queries: on masked ones it would decide
    differently.
    """
    if chosen.reads_queries:
        raise UsageError(
            f"{name} reads queries, and with redaction their literals and comments are masked.",
            "Name a column instead, such as user:replicator, or do without redaction.",
        )


def _first_set(name: str, layers: tuple[Layer, ...]) -> LayeredValue | None:
    """Return the first value that sets a guard, the command line's before all others."""
    values = reversed(list(values_of(name, layers)))
    return next((value for value in values if value.value), None)


def _read_only_reason(layers: tuple[Layer, ...]) -> str:
    value = _first_set("read_only", layers)
    if value is None:
        return ""
    if value.origin.layer is LayerKind.COMMAND_LINE:
        return f"pgtop was started with {value.origin.source}"
    return f"read_only is set in {value.origin.place}"


def _protections(
    layers: tuple[Layer, ...], read_filter: FilterReader
) -> Iterator[Filter]:
    for value in reversed(list(values_of("protect", layers))):
        for text in value.value:
            yield _read_protection(text, value.origin, read_filter)


def protection_errors(
    layers: tuple[Layer, ...], read_filter: FilterReader
) -> Iterator[Problem]:
    """Yield what is wrong with the filters that protect sessions."""
    redact = bool(_first_set("redact", layers))
    for value in values_of("protect", layers):
        for text in value.value:
            try:
                protection = _read_protection(text, value.origin, read_filter)
                if redact:
                    name = _place_of_filter(value.origin)
                    check_reads_no_queries(protection, name)
            except UsageError as error:
                place = value.origin.place
                what = error.what.removeprefix(place).removesuffix(".")
                yield Problem(
                    place,
                    what,
                    error.advice,
                )


def _read_protection(text: str, origin: Origin, read_filter: FilterReader) -> Filter:
    place = _place_of_filter(origin)
    if not text.strip():
        advice = "Write which sessions to protect, such as user:replicator."
        raise UsageError(f"{place} is empty.", advice)
    return read_filter(text, place)


def _place_of_filter(origin: Origin) -> str:
    is_option = origin.layer is LayerKind.COMMAND_LINE
    return origin.source if is_option else f"{origin.place}: protect"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
