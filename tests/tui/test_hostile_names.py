"""Names of relations that a visit to another database brought home, on every screen with locks."""

from dataclasses import replace

from pgtop.model.locks import Wait
from pgtop.model.snapshot import Snapshot
from tests.hostile_text import FRAGMENTS
from tests.scenes import standstill
from tests.tui.apps import Stage, press

_NAME = b"".join(FRAGMENTS).decode("utf-8", "replace").replace("\0", "")
_SIZE = (100, 30)
_WALK = (
    ("show_locks",),
    ("show_locks", "cursor_down", "open"),
    ("show_locks", "cursor_down", "terminate"),
    ("open",),
    ("terminate",),
)


def _with_names(scene: Snapshot) -> Snapshot:
    """Return the scene with hostile names of locked relations, of their databases, and a note."""
    waits = {pid: _renamed(wait) for pid, wait in scene.locks.waits.items()}
    note = f"names of relations in database {_NAME} are not known: {_NAME}"
    return replace(scene, locks=scene.locks._replace(waits=waits, note=note))


def _renamed(wait: Wait) -> Wait:
    target = f"{_NAME} in database {_NAME}"
    return wait._replace(lock=wait.lock._replace(target=target))


async def test_no_name_of_a_relation_reaches_the_terminal_as_it_is() -> None:
    """Each line of each screen is printable, and as wide as the screen."""
    stage = Stage(_with_names(standstill()))
    async with stage.app.run_test(size=_SIZE) as pilot:
        for keys in _WALK:
            await press(pilot, *keys)
            for strip in stage.app.screen._compositor.render_strips():
                text = "".join(segment.text for segment in strip)
                assert text.isprintable()
                assert strip.cell_length == _SIZE[0]
            while stage.app.screen is not stage.app.home:
                await press(pilot, "escape")
