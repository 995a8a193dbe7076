"""A snapshot that is written as JSON and read again is the same snapshot."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.cost import Cost
from pgtop.model.section import Section
from pgtop.model.serialise import is_record, record
from pgtop.model.snapshot import NO_IDLE_GROUP, Snapshot
from pgtop.model.timestamp import Instant
from tests import scenes
from tests.snapshot_json import from_json, to_json

_EARLIEST, _LATEST = -63_000_000_000_000_000, 252_000_000_000_000_000  # years 4 to 9985


class Size(NamedTuple):
    name: str
    size: int
    read_at: Instant | None = None


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Build any value of a type that the model's fields have."""
    origin, args = get_origin(kind), get_args(kind)
    if kind == Instant:
        return st.integers(_EARLIEST, _LATEST)
    if type(None) in args:
        return st.none() | values_of(args[0])
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(values_of(args[0]), max_size=2)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(values_of(args[0]), values_of(args[1]), max_size=2)
    if is_record(kind):
        return records(kind)
    return st.from_type(kind) if kind is not float else st.floats(-1e15, 1e15)


def records(kind: Any) -> st.SearchStrategy[Any]:
    """Build any record of this type."""
    hints = get_type_hints(kind, include_extras=True)
    names = [f.name for f in fields(kind)] if is_dataclass(kind) else kind._fields
    return st.builds(kind, **{name: values_of(hints[name]) for name in names})


def sections() -> st.SearchStrategy[dict[str, Section[Any]]]:
    section = st.builds(
        Section,
        values_of(Instant),
        st.none() | st.lists(records(Size)).map(tuple),
        st.text(),
    )
    return st.dictionaries(st.just("sizes"), section)


def snapshots() -> st.SearchStrategy[Snapshot]:
    hints = get_type_hints(Snapshot, include_extras=True)
    parts = {
        f.name: values_of(hints[f.name])
        for f in fields(Snapshot)
        if f.name != "sections"
    }
    return st.builds(Snapshot, **parts, sections=sections())


def without_group(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without its idle group, which is equal to nothing but itself."""
    return replace(snapshot, idle_group=NO_IDLE_GROUP)


@given(snapshots())
def test_a_snapshot_round_trips(snapshot: Snapshot) -> None:
    data = json.loads(json.dumps(to_json(snapshot)))
    copy = from_json(data, {"sizes": tuple[Size, ...]})
    assert without_group(copy) == without_group(snapshot)
    assert copy.idle_group.backends == snapshot.idle_group.backends
    assert to_json(copy) == to_json(snapshot)


def test_fields_have_their_own_names() -> None:
    backend = scenes.busy().backends[0]
    assert list(record(backend)) == list(backend._fields)
    assert list(record(backend, ("pid", "state"))) == ["pid", "state"]
    assert str(record(backend)["backend_start"]).startswith("20")


def test_a_later_writer_may_have_more_fields() -> None:
    """A field that is not known is ignored; one that is missing has its default value."""
    snapshot = scenes.busy()
    data = to_json(snapshot)
    data["weather"] = "fine"
    del data["cost"]
    copy = from_json(data)
    assert without_group(copy) == without_group(replace(snapshot, cost=Cost()))


@pytest.mark.parametrize(
    "change",
    [
        {"taken_at": 5},
        {"taken_at": "yesterday"},
        {"taken_at": "2026-01-01T00:00:00"},
        {"ungrouped": {}},
        {"ungrouped": [{"pid": "1"}]},
        {"ungrouped": [{}]},
        {"server": None},
        {"sections": []},
        {"sections": {"sizes": {"taken_at": "2026-01-01T00:00:00+00:00", "data": 5}}},
        {"locks": {"waits": {"x": {}}}},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    data = {**json.loads(json.dumps(to_json(scenes.busy()))), **change}
    refusals = "is expected|lacks a field|isoformat|time zone|invalid literal"
    with pytest.raises(ValueError, match=refusals):
        from_json(data, {"sizes": tuple[Size, ...]})
