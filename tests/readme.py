"""The parts of README, topics and man page that are generated from declarations.

`python -m tests.readme` writes them; a test compares them.
"""

from collections.abc import Mapping
from pathlib import Path

from pgtop.cli.man_page import man_page
from pgtop.cli.reference import key_row
from pgtop.help.markdown import table
from pgtop.view_registry import KEYMAP
from tests.contrasts import contrast_table
from tests.roles import WATCHERS, Watcher

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TOPICS = ROOT / "pgtop/help/topics"
RIGHTS = TOPICS / "rights.md"
THEMES = TOPICS / "themes.md"
MAN_PAGE = ROOT / "pgtop/help/pgtop.1"

TEN_KEYS = (
    "open",
    "show_sessions",
    "show_breakdown",
    "show_locks",
    "filter",
    "tag",
    "cancel",
    "terminate",
    "help",
    "quit",
)


def generated() -> Mapping[Path, str]:
    """Return the whole text of each file that has generated parts."""
    return {
        README: with_sections(README.read_text(), {"keys": _ten_keys()}),
        RIGHTS: with_sections(RIGHTS.read_text(), rights_sections()),
        THEMES: with_sections(THEMES.read_text(), {"contrasts": contrast_table()}),
        MAN_PAGE: man_page(),
    }


def with_sections(text: str, sections: Mapping[str, str]) -> str:
    """Return `text` with each section between its marks replaced."""
    for name, body in sections.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = f"{before}{start}{body}{end}{after}"
    return text


def rights_sections() -> Mapping[str, str]:
    """Return the tables of the topic `rights`, from the roles that are tested on a real server."""
    return {"roles": _roles(), "warnings": _warnings(), "refusals": _refusals()}


def _ten_keys() -> str:
    return table(
        ("key", "what it does"), [key_row(KEYMAP.action(name)) for name in TEN_KEYS]
    )


def _roles() -> str:
    head = ("role", "which is", "sees", "may end", "can still open")
    return table(head, [_role_row(watcher) for watcher in WATCHERS])


def _role_row(watcher: Watcher) -> tuple[str, ...]:
    experience = watcher.experience
    left = experience.budget.rpartition("; ")[2]
    return f"`{watcher.name}`", watcher.title, experience.sees, experience.ends, left


def _role(watcher: Watcher) -> str:
    return f"`{watcher.name}`, {watcher.title}"


def _warnings() -> str:
    """Return each warning once, with ROLE for the role that is warned."""
    sentences: dict[str, None] = {}
    for watcher in WATCHERS:
        for sentence in filter(None, watcher.experience.warned.split("; ")):
            general = sentence.replace(f"to {watcher.name})", "to ROLE)").replace(
                "to team)", "to ROLE)"
            )
            sentences[general] = None
    return "".join(f"- `{sentence}`\n" for sentence in sentences)


def _refusals() -> str:
    refused = [watcher for watcher in WATCHERS if watcher.experience.refused]
    return "".join(
        f"- {_role(watcher)}: {watcher.experience.refused}\n" for watcher in refused
    )


def write() -> None:
    """Write all generated parts. The topics come first, as the man page is made from them."""
    for path in (README, RIGHTS, THEMES, MAN_PAGE):
        path.write_text(generated()[path])


if __name__ == "__main__":
    write()
