"""What screens and the driver ask of the app. They know no source and no signaller; these are all
they can say.
"""

from collections.abc import Sequence
from typing import TypeAlias

from textual.message import Message

from pgtop.analysis.breakdown import Dimension
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.signal import Signal


class SignalRequested(Message):
    """The user wants a backend signalled: ask for confirmation, then see it through."""

    def __init__(self, signal: Signal, backend: Backend, seen_in: DerivedSnapshot) -> None:
        """`seen_in`: the picture that showed the backend, which may be an older one than that of
        now.
        """
        super().__init__()
        self.signal = signal
        self.backend = backend
        self.seen_in = seen_in


class BulkRequested(Message):
    """The user wants many backends signalled: show the list, ask, then see it through."""

    def __init__(
        self, signal: Signal, backends: Sequence[Backend], whose: str, understood: str = ""
    ) -> None:
        """Ask for `backends`, which are the sessions `whose` says; `understood` is the filter that
        chose them all.
        """
        super().__init__()
        self.signal = signal
        self.backends = backends
        self.whose = whose
        self.understood = understood


class OpenRequested(Message):
    """The user wants to see one session whole."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


class DetailRequested(Message):
    """A screen shows one session and wants all that the server has about it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


class LocksRequested(Message):
    """The user wants to see who blocks whom, from the root of most of it on."""


class CopyRequested(Message):
    """The user wants a session's whole query on the clipboard."""

    def __init__(self, backend: Backend, detail: Detail | None = None) -> None:
        """`detail`: what is known of it already."""
        super().__init__()
        self.backend = backend
        self.detail = detail


Share: TypeAlias = tuple[Dimension, str]
"""A line of the breakdown: its dimension, and the name of the share."""


class BreakdownRequested(Message):
    """The user wants to see who uses the connections, with the cursor on one line of it."""

    def __init__(self, share: Share) -> None:
        super().__init__()
        self.share = share


class FilterRequested(Message):
    """The user wants the sessions of one line of the breakdown."""

    def __init__(self, text: str, share: Share) -> None:
        """Ask for what `text` selects, in the filter language; Esc leads back to `share`."""
        super().__init__()
        self.text = text
        self.share = share


class NoticeRequested(Message):
    """Something to tell the user on the notice line; cleaned."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
