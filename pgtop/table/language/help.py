"""The language as plain data, for help, README and shell completion: its forms, then its keys."""

from typing import NamedTuple

from pgtop.table.language.keys import KEYS


class HelpEntry(NamedTuple):
    """One line of the language's reference."""

    name: str
    meaning: str
    example: str


FORMS = (
    HelpEntry(
        "key:value",
        "contains, in any case; of several terms all must hold",
        "db:shop user:web",
    ),
    HelpEntry(
        "or",
        "alternatives; terms side by side bind tighter",
        "user:web or user:api age>1h",
    ),
    HelpEntry(
        "not",
        "the opposite, as with `-` or `!` before the term; an unknown value matches neither way",
        "not db:shop",
    ),
    HelpEntry("(…)", "a group", "not (db:crm or state:idle)"),
    HelpEntry("key:value,value", "one of several", "state:active,waiting"),
    HelpEntry("key=value", "is exactly, capitals included", "user=web"),
    HelpEntry("key!=value", "is not", "db!=shop"),
    HelpEntry('key=""', 'has no value; `app!=""` has one', 'app=""'),
    HelpEntry(
        "key~pattern",
        "matches a regular expression, in any case; `app:~^api` is the same",
        "app~^api",
    ),
    HelpEntry("key!~pattern", "does not match it", "app!~^api"),
    HelpEntry(
        "key>number",
        "more (`<`, `>=`, `<=` too); times in `ms s m h d w`, or plain seconds",
        "age>1h30m",
    ),
    HelpEntry(
        "word",
        "in any column, in any case; before a signal it goes in quotes",
        "invoice",
    ),
    HelpEntry(
        '"words"',
        'with blanks or signs in it; \\" is a quote and \\\\ a backslash',
        'app:"my app"',
    ),
    HelpEntry("'words'", "the same, taken literally", "query:'drop table'"),
)
KEY_ENTRIES = tuple(
    HelpEntry(key.name, key.meaning, key.example) for key in KEYS.values()
)

FILTER_HELP: tuple[HelpEntry, ...] = (*FORMS, *KEY_ENTRIES)
"""The forms of the language first, then its keys."""
