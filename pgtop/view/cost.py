"""What watching costs, in one line, for those who ask."""

from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line


def cost_line(
    trip: float, server: float, received: int | None, cpu: float, drawn: int | None
) -> Line:
    """The price of the last sample: seconds of round trip, server and our CPU; bytes received and
    drawn.
    """
    parts = [f"round trip {_ms(trip)}", f"server {_ms(server)}"]
    if received is not None:
        parts.append(f"{_bytes(received)} in")
    parts.append(f"our CPU {_ms(cpu)}")
    if drawn is not None:
        parts.append(f"{_bytes(drawn)} drawn")
    return line(", ".join(parts), Tone.NOTICE)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def _bytes(count: int) -> str:
    return f"{count} B" if count < 10_000 else f"{count / 1000:.0f} kB"
