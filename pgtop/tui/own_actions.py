"""The keys of programs of the user's own, `[actions.NAME]`; `own_programs` runs them."""

from collections.abc import Iterator

from pgtop.actions import Action, Group
from pgtop.config.settings import Settings
from pgtop.key_names import key_called


def actions_of(settings: Settings) -> Iterator[Action]:
    """Yield an action of the registry's kind for each program."""
    for own in settings.own_actions.values():
        yield Action(
            id=f"own_{own.name}",
            keys=(key_called(own.key),) if own.key else (),
            title=own.words,
            group=Group.GO,
            call=f"run_own({own.name!r})",
        )
