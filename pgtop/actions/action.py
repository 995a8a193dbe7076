"""Definition of an action: its id, its keys and its meaning."""

from enum import StrEnum
from typing import NamedTuple

from pgtop.key_names import name_of


class Group(StrEnum):
    """The section of the help that lists an action; the sections a user needs most come first."""

    LOOK = "Look"
    END = "End"
    GO = "Go"
    ORDER = "Order"


class Action(NamedTuple):
    """An action and the keys that start it."""

    id: str
    """The contract with screens (`action_<id>`), documentation and tests; no key is one."""
    keys: tuple[str, ...]
    """As Textual names them; the first is the one that sentences on screen show."""
    title: str
    group: Group
    short: str = ""
    """The word in the footer, where a screen offers the action there."""
    dangerous: bool = False
    """True if the action can end a user's work: it asks first, and read-only mode lacks it."""
    in_dialogs: bool = False
    """True if the action answers a dialog and means nothing elsewhere."""
    brief: str = ""
    """The words in the columns of the help, where the title is too long for them."""
    call: str = ""
    """The call that Textual makes, where that is not the id."""

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as people write them."""
        return tuple(map(name_of, self.keys))
