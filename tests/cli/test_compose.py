"""Settings from options, guards and environment."""

import pytest

from pgtop.cli.compose import settings_for
from pgtop.config.guards import Guards
from pgtop.config.settings import Settings


@pytest.mark.parametrize(
    ("options", "environ", "color"),
    [
        (Settings(), {}, True),
        (Settings(), {"NO_COLOR": ""}, True),
        (Settings(), {"NO_COLOR": "1"}, False),
        (Settings(color=False), {}, False),
    ],
)
def test_an_option_or_the_environment_turns_colours_off(
    options: Settings, environ: dict[str, str], color: bool
) -> None:
    """NO_COLOR counts unless it is empty, as https://no-color.org defines."""
    assert settings_for(options, Guards(), environ).color is color
