"""The cost of one sample, as far as it can be measured from here."""

from typing import NamedTuple


class Cost(NamedTuple):
    """The cost of a snapshot."""

    server_seconds: float = 0.0
    """From the arrival of the statement at the server to its last row, by the server's clock."""
    received_bytes: int | None = None
    """Bytes received over the network; None if the kernel does not count them (a local socket)."""
