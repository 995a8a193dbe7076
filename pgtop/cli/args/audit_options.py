"""The options of `pgtop audit`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.values import duration
from pgtop.config.schema import Argument, OptionGroup, option
from pgtop.config.settings import REDACT


class AuditCommand(NamedTuple):
    """Options of `pgtop audit`."""

    words: Annotated[
        tuple[str, ...],
        OptionGroup("Which signals"),
        Argument(
            "WORD", help="only entries that contain all these words, ignoring case"
        ),
    ] = ()
    since: Annotated[
        float | None,
        option(
            "--since", metavar="TIME", parse=duration, help="no older than this: 2h, 7d"
        ),
    ] = None
    unfinished: Annotated[
        bool,
        option("--unfinished", help="only those without a recorded outcome"),
    ] = False
    json: Annotated[bool, option("--json", help="print one JSON object a line")] = False
    path: Annotated[
        bool, option("--path", help="print the path of the audit log and exit")
    ] = False
    redact: Annotated[bool, REDACT] = False
