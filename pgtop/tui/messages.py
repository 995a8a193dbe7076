"""What screens ask of the app. They know no source and no signaller; these are all they can say."""

from collections.abc import Sequence

from textual.message import Message

from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.signal import Signal
from pgtop.view.picture import Picture


class SignalAsked(Message):
    """The user wants a backend signalled: ask for confirmation, then see it through."""

    def __init__(self, signal: Signal, backend: Backend, seen_in: Picture) -> None:
        """`seen_in`: the picture that showed the backend, which may be an older one than that of now."""
        super().__init__()
        self.signal = signal
        self.backend = backend
        self.seen_in = seen_in


class BulkAsked(Message):
    """The user wants many backends signalled: show the list, ask, then see it through."""

    def __init__(self, signal: Signal, backends: Sequence[Backend], whose: str = "") -> None:
        """`whose`: the group that they are, going on from "sessions"; nothing for tagged ones."""
        super().__init__()
        self.signal = signal
        self.backends = backends
        self.whose = whose


class OpenAsked(Message):
    """The user wants to see one session whole."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


class DetailWanted(Message):
    """A screen shows one session and wants all that the server has about it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend


class BlockingAsked(Message):
    """The user wants to see who blocks whom, from the root of most of it on."""


class CopyAsked(Message):
    """The user wants a session's whole query on the clipboard."""

    def __init__(self, backend: Backend, detail: Detail | None = None) -> None:
        """`detail`: what is known of it already."""
        super().__init__()
        self.backend = backend
        self.detail = detail


class FilterAsked(Message):
    """The user wants the sessions narrowed to a filter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Said(Message):
    """Something to tell the user on the notice line; cleaned."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
