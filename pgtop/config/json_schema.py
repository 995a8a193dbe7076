"""The JSON Schema of the configuration file, for editors: made from the declared fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from pgtop.config.schema import Field
from pgtop.config.tables import (
    DISPLAY,
    TABLES,
    TOP,
    FileTable,
    help_of,
    plain_fields,
    screen_fields,
)
from pgtop.config.values import bare_type, bounds_of, choices_of, is_duration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DURATION: Mapping[str, Any] = {"type": ["number", "string"], "minimum": 0}
_NAME = "^[A-Za-z0-9_-]+$"
_TYPES: Mapping[Any, Mapping[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    tuple: {"type": "array", "items": {"type": "string"}},
    Mapping: {"type": "object"},
}


def json_schema() -> dict[str, Any]:
    """Return the schema of the whole file."""
    properties = _properties(plain_fields(TOP))
    properties[DISPLAY] = _object(plain_fields(DISPLAY), "looks of the dashboard")
    for table in TABLES.values():
        properties[table.name] = _of_table(table)
    return {
        "$schema": _DIALECT,
        "title": "pgtop's config.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _of_table(table: FileTable) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "description": table.help}
    if table.record is None:
        return schema | dict(table.schema)
    record = _object(table.fields, table.help)
    required = [field.name for field in table.fields if field.is_required]
    if required:
        record["required"] = required
    schema["patternProperties"] = {_NAME: record}
    schema["additionalProperties"] = False
    return schema


def _object(fields: Iterable[Field], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": _properties(fields),
        "additionalProperties": False,
    }


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    return {field.name: _property(field) for field in fields}


def _property(field: Field) -> dict[str, Any]:
    """Return the schema of a value."""
    schema: dict[str, Any] = {"description": help_of(field)}
    if field.name == DISPLAY:
        return _object(screen_fields(), help_of(field))
    schema |= _DURATION if is_duration(field) else _TYPES[bare_type(field)]
    if choices := choices_of(field):
        schema["enum"] = sorted({*choices, field.default} - {None})
    if bounds := bounds_of(field):
        schema["minimum"] = bounds.least
        schema["maximum"] = bounds.most
    if field.setting and field.setting.schema:
        schema |= dict(field.setting.schema)
    if field.default is not None and not isinstance(field.default, tuple | dict):
        schema["default"] = field.default
    return schema
