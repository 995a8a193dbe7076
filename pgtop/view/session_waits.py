"""The waits of one statement, in the detail of its session."""

from collections.abc import Iterator

from pgtop.analysis.wait_profile import Profile, WaitSlice
from pgtop.text.clean import clean, fit
from pgtop.text.measured import measured, percent
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age, counted
from pgtop.text.wrap import Line, as_far_as_fits
from pgtop.view.wait_words import meaning_of
from pgtop.view.waits import NO_LOAD, TONES

_MOST = 6
"""Events that are shown."""
_NAME_CELLS = 25
_SHARE_CELLS = 11


def statement_title(waits: Profile) -> str:
    """Return the title of the waits: of how long, and of how many samples."""
    seconds = age(waits.seconds)
    processes = ""
    if waits.aas > 1 + waits.error:
        processes = f", {measured(waits.aas, waits.error)} processes on average"
    samples = counted(waits.samples, "sample")
    return f"Waits of this statement, {samples} in {seconds}{processes}"


def statement_lines(waits: Profile, width: int) -> Iterator[Line]:
    """Yield the events with their shares, each with one standard error."""
    for part in waits.slices[:_MOST]:
        spans = (
            Span(fit(clean(part.name), _NAME_CELLS), TONES[part.wait_class]),
            Span(f"{_share(part):<{_SHARE_CELLS}}", Tone.PLAIN),
            Span(meaning_of(part.name, part.wait_class), Tone.QUIET),
        )
        yield as_far_as_fits(spans, width)


def _share(part: WaitSlice) -> str:
    if not part.wait_class.is_load:
        return NO_LOAD
    error = max(1, round(100 * part.share_error))
    return f"{percent(part.share, part.share_error):>4} ±{error}%"
