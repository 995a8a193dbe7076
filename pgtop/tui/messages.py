"""The messages from screens to the app: all that a screen can request.

Screens know no source and no signaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile
    from pgtop.view.copies import Copied, CopyKind
    from pgtop.view.export import Export


class ShareFilter(NamedTuple):
    """A place in the sessions: those of one line of another view."""

    text: str
    """The filter that selects them."""
    share: object
    """The line to go back to."""
    view: str = "breakdown"
    """The view with that line."""
    narrows_all: bool = False
    """True if the filter also narrows the other views of sessions, as long as it is in force."""


class SignalRequested(Message):
    """The user wants to signal one session: ask for confirmation, then execute it."""

    def __init__(
        self,
        signal: Signal,
        backend: Backend,
        seen_in: DerivedSnapshot,
        *,
        is_past: bool = False,
    ) -> None:
        """Create a request; `seen_in`, which shows the session, may be older than the newest
        snapshot. `is_past` is true if the screen showed the past then.
        """
        super().__init__()
        self.signal = signal
        self.backend = backend
        self.seen_in = seen_in
        self.is_past = is_past


class BulkRequested(Message):
    """The user wants to signal many sessions: show the list, ask, then execute the plan."""

    def __init__(
        self,
        signal: Signal,
        backends: Sequence[Backend],
        selection: str,
        understood: str = "",
        *,
        is_past: bool = False,
    ) -> None:
        """Create a request for `backends`.

        `selection` describes them; `understood` is the filter that selected them all. `is_past` is
        true if the screen showed the past then.
        """
        super().__init__()
        self.signal = signal
        self.backends = backends
        self.selection = selection
        self.understood = understood
        self.is_past = is_past


class OpenRequested(Message):
    """The user wants to see one session whole."""

    def __init__(self, backend: Backend, order: Sequence[Backend] = ()) -> None:
        """Create a request; `order` has the sessions of the table as they are shown there."""
        super().__init__()
        self.backend = backend
        self.order = order


class DetailRequested(Message):
    """A screen shows one session and needs all that the server has about it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


class CopyRequested(Message):
    """The user wants something of a session on the clipboard, or in a file."""

    def __init__(self, kind: CopyKind, copied: Copied, *, into_file: bool) -> None:
        super().__init__()
        self.kind = kind
        self.copied = copied
        self.into_file = into_file


class TextCopied(Message):
    """The user wants a cleaned text on the clipboard."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__()
        self.text = text
        self.name = name


class ExplainRequested(Message):
    """The user wants the plan of a session's query."""

    def __init__(self, copied: Copied) -> None:
        super().__init__()
        self.copied = copied


class ExportRequested(Message):
    """The user wants a table in a file or in the pager."""

    def __init__(self, export: Export) -> None:
        super().__init__()
        self.export = export


class SaveViewRequested(Message):
    """The user wants the view as it is among those of the user's own."""

    def __init__(self, profile: ViewProfile) -> None:
        super().__init__()
        self.profile = profile


class ViewRequested(Message):
    """The user wants another view, perhaps at one place in it."""

    def __init__(self, view: str, target: object = None) -> None:
        """Create a request for a view by its id; the view itself defines which targets it has."""
        super().__init__()
        self.view = view
        self.target = target


class NoticeRequested(Message):
    """A screen has a cleaned sentence for the notice line."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class FilterKept(Message):
    """The user has typed a filter and kept it with Enter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
