"""The lines of the past: no size of the terminal hides that it is the past."""

import time
from collections.abc import Iterable

import pytest

from pgtop.analysis.timeline import Ending
from pgtop.config.settings import Settings
from pgtop.model.timestamp import to_datetime
from pgtop.monitor.past import Replayed
from pgtop.monitor.rewind import Rewind
from pgtop.monitor.state import State
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.tui.tabs import tabs_of
from pgtop.view.header import header
from pgtop.view.looks import Looks
from pgtop.view.past import ending_words, past_keys
from pgtop.view_registry import KEYMAP, VIEWS
from tests.scenes.incident import incident
from tests.scenes.night import at, night

_WIDTHS = (*range(6, 130), 200)


def text(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def past_state(second: float, replayed: Replayed | None = None) -> State:
    now = State.first(incident(), Settings())
    rewind = Rewind(night(), Settings(), 1.0, replayed)
    rewind.go_to(at(second))
    state = rewind.state(None if replayed else now)
    assert state is not None
    return state


@pytest.mark.parametrize("height", [8, 20, 24])
@pytest.mark.parametrize("second", [-170, -300], ids=["sample", "gap"])
@pytest.mark.parametrize("is_replay", [False, True])
def test_the_header_fits_and_names_the_past(
    height: int, second: float, is_replay: bool
) -> None:
    looks = Looks()
    replayed = Replayed(reads_all=False) if is_replay else None
    state = past_state(second, replayed)
    views = tabs_of(VIEWS, VIEWS[0], state, looks)
    for width in _WIDTHS:
        lines = header(state, looks, views, width, height).lines
        assert max(map(cells, map(text, lines))) <= width
        assert ("REPLAY" if is_replay else "PAST") in text(lines[0])
        assert lines[0][0].tone is Tone.WARN_PLATE


def test_sentences_have_the_clock_of_the_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session that ended at three by UTC ended at noon in Tokyo."""
    instant = at(0)
    hour = f"{to_datetime(instant):%H}"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        words = ending_words(Ending(instant, instant), Looks(is_local_time=True))
        elsewhere = ending_words(Ending(instant, instant), Looks())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert elsewhere.startswith(f"gone {hour}:")
    assert words.startswith(f"gone {(int(hour) + 9) % 24:02}:")


def test_the_mark_is_the_only_plate_of_the_time_line() -> None:
    """Cells up to the mark are calm or warn, those behind it quiet."""
    state = past_state(-170)
    views = tabs_of(VIEWS, VIEWS[0], state, Looks())
    line = header(state, Looks(), views, 80, 24).lines[2]
    tones = [span.tone for span in line]
    mark = tones.index(Tone.WARN_PLATE)
    assert tones.count(Tone.WARN_PLATE) == 1
    assert {Tone.CALM, Tone.WARN} <= set(tones[:mark])
    assert set(tones[mark + 1 :]) == {Tone.QUIET}


def test_each_key_of_a_pair_has_its_own_place() -> None:
    """A click on either of two keys presses that one."""
    past = past_state(-170).past
    assert past is not None
    keys = past_keys(past, KEYMAP, (), 1.0, 80)
    words = text(keys.line)
    for place in keys.places:
        action = next(a for a in KEYMAP.actions if (a.call or a.id) == place.call)
        assert words[place.start : place.end] == action.key_names[0]
    assert words.startswith("[ ] 1 s  { } 1 min  ( ) event  End now  ")
