"""The settings of the dashboard, and the options that set them.

Plain data, which the command line reads too: nothing heavy is loaded here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pgtop.analysis.age_limits import DEFAULT_LIMITS, AgeLimits
from pgtop.config.display import Display
from pgtop.config.schema import (
    DURATION,
    PERCENT,
    Number,
    Option,
    OptionGroup,
    option,
    setting,
)
from pgtop.keys import Keymap
from pgtop.view_registry import KEYMAP

if TYPE_CHECKING:
    from pgtop.config.own_actions import OwnAction
    from pgtop.config.servers import ServerProfile
    from pgtop.config.themes import Theme
    from pgtop.config.views import ViewProfile
    from pgtop.table.filter import Filter

PRESET_NAMES = ("pgtop", "pg_activity", "htop", "vim")
"""The presets of keys: see `config.keymap`."""
MIN_INTERVAL = 0.2
MAX_INTERVAL = 60.0
"""Bounds of the seconds between samples."""

THEMES = ("terminal", "dark", "light")
BACKGROUNDS = ("dark", "light")

HOST_FIGURES = ("auto", "on", "off")


def host_figures_option(purpose: str) -> Option:
    """Return the option of each command that can read the machine; `purpose` begins its help."""
    return option(
        "--host-figures",
        metavar="WHEN",
        choices=HOST_FIGURES,
        help=f"{purpose}, if the server runs on this machine: auto, on (also over a network), off",
    )


REDACT = option(
    "--redact",
    help="mask literals, comments and the values of SET and the like in queries; names, application"
    " names, client addresses, advisory keys, gids of prepared transactions and reasons stay",
)
"""The option of every command that shows queries."""


class RecordingPlan(NamedTuple):
    """The file that the dashboard records into, and what it writes there."""

    path: str = ""
    """The file or the folder; "" for a new file in pgtop's own folder."""
    keep: float | None = None
    """Seconds that are kept; None for as many as usual."""
    max_size: int | None = None
    """Bytes of the file; None for as many as usual."""
    texts: str = "all"
    """The queries to write: `all`, `redacted` or `none`."""
    begins_at_once: bool = False
    """True if the dashboard records from its start on; a key begins it otherwise."""


class Settings(NamedTuple):
    """Settings of the dashboard: its looks, its interval, and its permission to signal."""

    interval: Annotated[
        float,
        OptionGroup("Dashboard"),
        option(
            "--interval",
            metavar="SECONDS",
            parse=Number(MIN_INTERVAL, MAX_INTERVAL, "number of seconds"),
            help=f"time between samples, {MIN_INTERVAL:g} to {MAX_INTERVAL:g}",
        ),
        setting("display"),
    ] = 1.0
    """Seconds from one sample to the next; keys change it."""
    read_only: bool = False
    """True if the actions that signal are not offered. The signaller refuses in any case."""
    read_only_reason: str = ""
    """The reason for read-only mode, as a sentence without its full stop."""
    protect: "tuple[Filter, ...]" = ()
    """Filters for sessions that are protected, besides those that always are."""
    require_audit: bool = False
    """True if nothing may be signalled that the audit log cannot record."""
    history: Annotated[
        float,
        option(
            "--history",
            metavar="DURATION",
            parse=DURATION,
            help="time for which samples are kept in memory, such as 5m; 0 keeps none",
        ),
        setting("display", parse=DURATION),
    ] = 900.0
    """Seconds of samples that are kept, within a bound of bytes."""
    color: Annotated[
        bool,
        option("--no-color", help="no colours (as with NO_COLOR)"),
        setting("display", help="true if colours are used"),
    ] = True
    """False if nothing may rest on colour."""
    theme: Annotated[
        str,
        option(
            "--theme",
            metavar="THEME",
            help=f"{', '.join(THEMES)}, or one of [themes] in config.toml",
        ),
        setting("display"),
    ] = THEMES[0]
    background: Annotated[
        str,
        option(
            "--background",
            metavar="SHADE",
            choices=BACKGROUNDS,
            help="background of the terminal, if the terminal does not report it: dark or light",
        ),
        setting("display"),
    ] = ""
    """The background that the user named, or ""."""
    warn: Annotated[
        float,
        option(
            "--warn",
            metavar="PERCENT",
            parse=PERCENT,
            help="share of ordinary slots in use that shows a warning",
        ),
        setting("display"),
    ] = 80.0
    alarm: Annotated[
        float,
        option(
            "--alarm",
            metavar="PERCENT",
            parse=PERCENT,
            help="share of ordinary slots in use that shows an alarm",
        ),
        setting("display"),
    ] = 95.0
    long_statement: Annotated[
        float,
        setting("display", help="age that makes a statement a warning", parse=DURATION),
    ] = DEFAULT_LIMITS.statement
    long_transaction: Annotated[
        float,
        setting(
            "display",
            help="age that makes a transaction with a running statement a warning",
            parse=DURATION,
        ),
    ] = DEFAULT_LIMITS.transaction
    long_idle_in_transaction: Annotated[
        float,
        setting(
            "display",
            help="age that makes a transaction that waits for its client a warning",
            parse=DURATION,
        ),
    ] = DEFAULT_LIMITS.idle_in_transaction
    cpus: Annotated[
        float,
        option(
            "--cpus",
            metavar="NUMBER",
            parse=Number(0, 100_000, "number of CPUs"),
            help="CPUs of the server, for the waits view; pgtop sees them if the server runs here",
        ),
        setting("display"),
    ] = 0.0
    """CPUs of the server; 0 if the user has not named them."""
    host_figures: Annotated[
        str,
        host_figures_option("CPU, memory and storage of sessions"),
        setting("display"),
    ] = HOST_FIGURES[0]
    """`auto` looks for the server's processes if the connection seems to stay on the machine."""
    clock: Annotated[
        str,
        setting(
            "display", help="the zone of the header's clock", choices=("utc", "local")
        ),
    ] = "utc"
    resolve_names: Annotated[
        bool,
        option(
            "--resolve-names",
            help="name locked relations of other databases, over a short connection to each",
        ),
        setting("display"),
    ] = False
    explain_as: Annotated[
        str,
        option(
            "--explain-as",
            metavar="ROLE",
            help="a weak login that plans queries of others, with its password in ~/.pgpass",
        ),
        setting("display"),
    ] = ""
    """The login that plans queries, or "" for that of the connection."""
    mouse: Annotated[
        bool,
        option(
            "--no-mouse", help="leave the mouse to the terminal, which selects with it"
        ),
        setting("display", help="true if clicks and the wheel are for pgtop"),
    ] = True
    """True if clicks and the wheel are for pgtop; a key changes it."""
    strip_comments: Annotated[
        bool,
        option(
            "--strip-comments",
            constant=True,
            help="begin queries in rows with their statement (the default; a key toggles it)",
        ),
        option(
            "--keep-comments",
            constant=False,
            help="begin queries in rows with their comments",
        ),
        setting("display", help="true if queries in rows begin with their statement"),
    ] = True
    ages_apart: Annotated[
        bool,
        option(
            "--ages-apart",
            help="show the ages of transaction, statement and state in a column each",
        ),
        setting("display", help="true if each age has a column of its own"),
    ] = False
    plain_driver: Annotated[
        bool, option("--plain-driver", help="use Textual's own driver")
    ] = False
    """True if Textual's own driver draws, not ours, which sends only the cells that differ."""
    ascii: Annotated[
        bool,
        option("--ascii", help="draw with ASCII only, as in a locale without UTF-8"),
        setting("display", help="true if only ASCII is drawn"),
    ] = False
    """True also if the locale is not UTF-8."""
    own_theme: "Theme | None" = None
    """The user's own theme, if `theme` names one."""
    display: Display = Display()
    """The terminal's colours, and what is known of its background."""
    preset: Annotated[
        str,
        option(
            "--keys",
            metavar="PRESET",
            choices=PRESET_NAMES,
            help=f"one of {', '.join(PRESET_NAMES)}; [keys] in the configuration changes single"
            " keys",
        ),
        setting("keys"),
    ] = ""
    """The preset of keys that the command line chose, or ""."""
    keymap: Keymap = KEYMAP
    """The actions and their keys: see `config.keymap`."""
    view: Annotated[
        str,
        option(
            "--view",
            metavar="NAME",
            help="the view that opens first: sessions, connections, locks, waits, "
            "statements, replication, pools or one of yours",
        ),
        setting("display"),
    ] = ""
    own_actions: Mapping[str, "OwnAction"] = {}
    """Programs of the user's own, by their names."""
    views: Mapping[str, "ViewProfile"] = {}
    """Views of the user's own, by their names."""
    filters: Mapping[str, str] = {}
    """Saved filters, by their names."""
    keeps_filters: bool = False
    """True if filters that are typed are kept in a file, for another day."""
    complaint: str = ""
    """A sentence about a wrong configuration, which the dashboard shows when it opens."""
    chosen: frozenset[str] = frozenset()
    """The fields that the command line gave, which no other layer overrides."""
    recording: RecordingPlan = RecordingPlan()
    server: "ServerProfile | None" = None
    """The named server (`pgtop @NAME`), whose label stands in the header and in every dialog."""

    @property
    def age_limits(self) -> AgeLimits:
        """The ages from which a session is worth a look."""
        return AgeLimits(
            self.long_statement,
            self.long_transaction,
            self.long_idle_in_transaction,
        )


class Safety(NamedTuple):
    """Options that guard signals. The configuration file can add to them and take none away."""

    read_only: Annotated[
        bool,
        OptionGroup("Safety (also in config.toml)"),
        option("--read-only", help="disable cancel and terminate"),
        setting(is_guard=True),
    ] = False
    protect: Annotated[
        tuple[str, ...],
        option(
            "--protect",
            metavar="FILTER",
            help="protect the sessions that match, such as 'user:replicator'; may be repeated",
        ),
        setting(help="filters; the sessions that match are protected", is_guard=True),
    ] = ()
    """Filters, as the user wrote them."""
    require_audit: Annotated[
        bool,
        option(
            "--require-audit",
            help="refuse to signal if the audit log cannot be written",
        ),
        setting(is_guard=True),
    ] = False
    redact: Annotated[bool, REDACT, setting(is_guard=True)] = False
    """True if literals of queries are masked, for shared screens."""
