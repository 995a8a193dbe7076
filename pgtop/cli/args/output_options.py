"""The options of output that several commands share. Nothing heavy is loaded."""

from pgtop.config.schema import option

JSON = option("--json", help="print one JSON object")
NO_COLOR = option(
    "--no-color", help="no colours (as with NO_COLOR, or if not on a terminal)"
)
