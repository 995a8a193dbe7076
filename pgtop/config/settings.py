"""The user's choices for screen and safety. Plain data of the command line: loads nothing heavy."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pgtop.table.filter import Filter


class Settings(NamedTuple):
    """How the dashboard looks, how often it polls, and what it may do."""

    interval: float = 1.0
    """Seconds from one sample to the next at the start."""
    read_only: bool = False
    """Signals are disabled: their actions are not offered, and the signaller refuses."""
    protect: "tuple[Filter, ...]" = ()
    """Sessions that match one of these are protected, besides those that always are."""
    require_audit: bool = False
    """Refuse to signal if the audit log cannot be written."""
    color: bool = True
    """False: nothing may rest on colour (NO_COLOR, --no-color)."""
    theme: str = "terminal"
    """One of terminal, dark, light."""
    warn: float = 80.0
    alarm: float = 95.0
    """Percent of the ordinary slots from which the budget warns, and alarms."""
    plain_driver: bool = False
    """Draw with Textual's own driver and not with ours, which sends only the cells that differ."""
    ascii: bool = False
    """The locale is not UTF-8: draw with ASCII alone."""


class Safety(NamedTuple):
    """Options that guard signals. The configuration file can add to them and take none away."""

    read_only: bool = False
    protect: tuple[str, ...] = ()
    """Filters for sessions that are never one of many, as the user wrote them."""
    require_audit: bool = False
    redact: bool = False
    """True if literals of queries are masked, for shared screens."""
