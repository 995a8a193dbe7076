"""The tables of the configuration file, and the fields that declare their keys.

Parsing, `pgtop help config`, the JSON schema, `pgtop config init` and the tests are made from here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pgtop.config.log_options import LogOptions
from pgtop.config.mistakes import MistakeError
from pgtop.config.names import NAME_RULE, is_name
from pgtop.config.own_actions import OwnAction, check_action
from pgtop.config.schema import Field, fields
from pgtop.config.servers import ServerProfile, check_server
from pgtop.config.settings import PRESET_NAMES, Safety, Settings
from pgtop.config.views import ViewProfile, check_view

VARIABLE_PREFIX = "PGTOP_"
TOP = ""
"""The keys above all tables."""
DISPLAY = "display"
SERVERS = "servers"
VIEWS = "views"
ACTIONS = "actions"
KEYS = "keys"
FILTERS = "filters"
OWN_THEMES = "themes"


class FileTable(NamedTuple):
    """A table of tables, `[servers.NAME]`, each with the keys of a record; or a table with keys of
    its user's own.
    """

    name: str
    help: str
    example: str
    """Lines that stand commented in the file that `pgtop config init` writes."""
    record: Any = None
    """The class of a record, if there is a table for each NAME."""
    check: Callable[[Any], None] = lambda _record: None
    """Raises ValueError with a sentence for fields that do not go together."""
    read: Callable[[Mapping[str, Any]], object] = dict
    """Checks a table with keys of its user's own. Raises MistakeError for the first mistake."""
    mistakes: Callable[[Mapping[str, Any]], Iterable[MistakeError]] | None = None
    """Yields all mistakes in such a table, each with its key, if they can be seen at once."""
    schema: Mapping[str, Any] = {}
    """JSON Schema of a table with keys of its user's own."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields with a key."""
        return tuple(field for field in fields(self.record) if field.setting)


def _read_keys(table: Mapping[str, Any]) -> object:
    from pgtop.config.keymap import keymap_from

    return keymap_from(table)


def _read_filters(table: Mapping[str, Any]) -> object:
    for name, text in table.items():
        if not is_name(name):
            raise MistakeError(f"{name!r} is a wrong name: {NAME_RULE}")
        if not isinstance(text, str) or not text.isprintable():
            raise MistakeError(f"{name} must be a filter in quotes")
    return table


def _mistakes_in_themes(table: Mapping[str, Any]) -> Iterator[MistakeError]:
    from pgtop.config.themes import mistakes_in  # only where there is a theme

    return mistakes_in(table)


TABLES: Mapping[str, FileTable] = {
    section.name: section
    for section in (
        FileTable(
            SERVERS,
            "servers with a name: `pgtop @NAME`",
            """\
[servers.prod]
service = "prod"      # of ~/.pg_service.conf; or a URI without a password
label = "PROD"
read_only = true
protect = ["user:replicator"]
""",
            record=ServerProfile,
            check=check_server,
        ),
        FileTable(
            VIEWS,
            "views of your own, behind the built-in ones",
            """\
[views.slow]
filter = "state:active age>5m"
sort = "age"
columns = ["user", "application:20", "age", "query"]
interval = 5
""",
            record=ViewProfile,
            check=check_view,
        ),
        FileTable(
            ACTIONS,
            "programs of your own, which a key starts for the row under the cursor",
            """\
[actions.whois]
key = "Z"
run = ["whois", "{client}"]
title = "look up the client"
harmless = true
""",
            record=OwnAction,
            check=check_action,
        ),
        FileTable(
            KEYS,
            "keys of your own, by the id of an action, and a preset, which PGTOP_PRESET sets too",
            """\
[keys]
preset = "vim"
refresh = ["Ctrl-R", "F5"]
""",
            read=_read_keys,
            schema={
                "properties": {"preset": {"enum": list(PRESET_NAMES)}},
                "additionalProperties": {
                    "type": ["string", "array"],
                    "items": {"type": "string"},
                },
            },
        ),
        FileTable(
            FILTERS,
            "saved filters, in the filter field by @ and their name",
            """\
[filters]
leak = "state:idle age>1h app:web-pool"
""",
            read=_read_filters,
            schema={"additionalProperties": {"type": "string"}},
        ),
        FileTable(
            OWN_THEMES,
            "themes of your own: `--theme NAME`; `pgtop help themes` explains them",
            """\
[themes.night]
base = "dark"              # terminal, dark or light
ground = "#000000"
warn = "bold #ffb000"
""",
            mistakes=_mistakes_in_themes,
            schema={"additionalProperties": {"type": "object"}},
        ),
    )
}


def plain_fields(section: str | None = None) -> Iterator[Field]:
    """Yield the fields of the guards, the dashboard and the log that have a key, perhaps of one
    table.
    """
    for record in (Safety, Settings, LogOptions):
        for field in fields(record):
            if field.setting and section in (None, field.setting.section):
                yield field


def screen_fields() -> Iterator[Field]:
    """Yield the fields of the dashboard that have a key: a named server may set them."""
    return (field for field in plain_fields(DISPLAY) if field.name in _OF_SCREEN)


_OF_SCREEN = frozenset(field.name for field in fields(Settings))


def variable_of(field: Field) -> str:
    """Return the variable that sets the field."""
    return VARIABLE_PREFIX + field.name.upper()


def help_of(field: Field) -> str:
    """Return what the field means."""
    own = field.setting.help if field.setting else ""
    return own or field.options[0].help
