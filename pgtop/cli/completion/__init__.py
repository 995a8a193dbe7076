"""Completion scripts for shells, made from the declarations of the options.

The scripts stand alone: pressing Tab starts no pgtop and queries no server.
"""

from collections.abc import Callable, Mapping

from pgtop.cli.completion.bash import bash
from pgtop.cli.completion.fish import fish
from pgtop.cli.completion.zsh import zsh

SCRIPTS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Makers of the scripts, by the name of the shell."""
