"""pgtop's own overhead, in one line."""

from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line


def cost_line(
    trip: float, server: float, received: int | None, cpu: float, drawn: int | None
) -> Line:
    """Return the cost of the last sample.

    `trip`, `server` and `cpu` (pgtop's own) are seconds; `received` and `drawn` are bytes.
    """
    parts = [f"round trip {_ms(trip)}", f"server {_ms(server)}"]
    if received is not None:
        parts.append(f"{_bytes(received)} in")
    parts.append(f"pgtop CPU {_ms(cpu)}")
    if drawn is not None:
        parts.append(f"{_bytes(drawn)} drawn")
    return line(", ".join(parts), Tone.NOTICE)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def _bytes(count: int) -> str:
    return f"{count} B" if count < 10_000 else f"{count / 1000:.0f} kB"
