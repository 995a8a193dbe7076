"""Whole snapshots as JSON and back, by the writer and the reader of their parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pgtop.model.serialise import (
    VERSION,
    Json,
    json_object,
    read_record,
    read_section,
    record,
)
from pgtop.model.snapshot import Snapshot


def to_json(snapshot: Snapshot) -> dict[str, Json]:
    """Return a whole snapshot as JSON."""
    return {"version": VERSION, **record(snapshot)}


def from_json(data: Json, sections: Mapping[str, Any] | None = None) -> Snapshot:
    """Return the snapshot that `to_json` has written; `sections` has the type of the data of each
    section, by its name. Raises ValueError.
    """
    known = sections or {}
    written = json_object(json_object(data).get("sections", {}))
    return replace(
        read_record(Snapshot, {**data, "sections": {}}),
        sections={
            name: read_section(section, known.get(name, Any))
            for name, section in written.items()
        },
    )
