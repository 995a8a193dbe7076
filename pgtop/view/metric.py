"""Gauges in the text format of Prometheus.

A value that is not known is left out, never zero.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

_PREFIX = "pgtop_"
_LONGEST_LABEL = 256

Labels: TypeAlias = Mapping[str, str]
Value: TypeAlias = float | int | None


class Metric(NamedTuple):
    """A gauge, with a value for each set of labels."""

    name: str
    help: str
    values: tuple[tuple[Labels, Value], ...]


def single(name: str, words: str, value: Value) -> Metric:
    """Return a gauge without labels."""
    return Metric(name, words, (({}, value),))


def text_of(metrics: Iterable[Metric]) -> str:
    """Return the gauges, each with its help and type."""
    lines = [line for metric in metrics for line in _lines(metric)]
    return "".join(f"{line}\n" for line in lines)


def _lines(metric: Metric) -> Iterator[str]:
    known = [(labels, value) for labels, value in metric.values if value is not None]
    if not known:
        return
    name = f"{_PREFIX}{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} gauge"
    for labels, value in known:
        yield f"{name}{_written(labels)} {value!r}"


def _written(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    """Return a label's value; a name may have any character, and each is kept."""
    short = value[:_LONGEST_LABEL]
    return short.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
