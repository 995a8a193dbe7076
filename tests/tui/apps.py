"""The whole screen on scripted ports: the app that users run, with a source, a door and a clock of the test's own."""

import re
from dataclasses import dataclass, field

from pgtop.model.snapshot import Snapshot
from pgtop.ports import Signaller
from pgtop.tui.app import PgtopApp
from pgtop.tui.settings import Settings
from tests.fakes import FakeClock, FakeSignaller, FakeSource

_WEB_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


class PicturedApp(PgtopApp):
    """Its pictures name no font on the web: what shows them needs no network."""

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        return _WEB_FONTS.sub("", super().export_screenshot(title=title, simplify=simplify))


@dataclass
class Stage:
    """An app and everything that it plays with."""

    snapshot: Snapshot
    settings: Settings = field(default_factory=Settings)
    signaller: Signaller = field(default_factory=FakeSignaller)
    source: FakeSource = field(default_factory=FakeSource)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        if not self.source.script:
            self.source.script = [self.snapshot]
        self.app = PicturedApp(self.source, self.signaller, self.snapshot, self.settings, self.clock)

    async def tick(self, seconds: float = 1.0) -> None:
        """Let time pass on the app's clock."""
        await self.clock.advance(seconds)
