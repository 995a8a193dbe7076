"""The words of `pgtop config`."""

from typing import Annotated, NamedTuple

from pgtop.config.schema import Argument, OptionGroup, option

ACTIONS = ("show", "check", "path", "schema", "init")


class ConfigCommand(NamedTuple):
    """Words and options of `pgtop config`."""

    action: Annotated[
        str,
        OptionGroup("Action"),
        Argument(
            "show | check | path | schema | init",
            choices=ACTIONS,
            help="what to do with the configuration",
        ),
    ] = ACTIONS[0]
    json: Annotated[
        bool, option("--json", help="show: print one JSON object for each value")
    ] = False
