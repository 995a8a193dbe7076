"""The words of `pgtop config`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.command import CommandSpec
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


CONFIG_SPEC = CommandSpec(
    "config",
    ConfigCommand,
    usage="show [--json] | check | path | schema | init",
    description="""\
Prints each value of the configuration with its origin (`show`), checks files and variables
(`check`), prints the path of your file (`path`) or its JSON Schema (`schema`), or writes a
commented file that changes nothing yet (`init`). More: `pgtop help config`.""",
)
