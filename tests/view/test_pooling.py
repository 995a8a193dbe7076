"""The sentence about the application that a pooler would help most."""

import pytest

from pgtop.analysis.pooling import PoolingHint
from pgtop.view.pooling import pooling_words


@pytest.mark.parametrize(
    ("application", "busy", "start"),
    [
        ("api", 0, "api holds 22 connections and used none of them in the last 16s:"),
        (
            "api",
            3,
            "api holds 22 connections and used at most 3 at once in the last 16s:",
        ),
        (
            "",
            0,
            "clients without a name hold 22 connections and used none of them in the last",
        ),
    ],
)
def test_the_sentence_names_use_and_saving(
    application: str, busy: int, start: str
) -> None:
    """The sentence has the connections held, those in use, the time, and the saving."""
    hint = PoolingHint(
        application,
        held=22,
        busy=busy,
        frees=21,
        frees_in_all=34,
        watched=16.0,
        idle=60,
        max_connections=100,
    )
    words = pooling_words(hint)
    assert words.startswith(start)
    assert words.endswith(": a pooler would free 21 (34 on the whole server)")
