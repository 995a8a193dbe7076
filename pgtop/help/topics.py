"""The topics, in the order in which they are listed, and their texts."""

import pkgutil
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Topic(NamedTuple):
    """One page of the documentation. Its text is in `topics/NAME.md`."""

    name: str
    summary: str
    in_man_page: bool = True
    """False for pages that only developers of pgtop read."""


TOPICS: tuple[Topic, ...] = (
    Topic("emergencies", "the server is full, everything waits, one query runs away"),
    Topic("keys", "the keys of the dashboard"),
    Topic("views", "what the dashboard shows, and what the bar means"),
    Topic("waits", "what sessions wait for, and what to look at next"),
    Topic("statements", "what statements did, and how long a query usually takes"),
    Topic("replication", "how far standbys are behind, and what slots hold"),
    Topic("pools", "pools of PgBouncer, waiting clients, and the client of a session"),
    Topic("filter", "how to select sessions"),
    Topic("columns", "the columns of the sessions"),
    Topic("signals", "how to end queries and sessions: one, many, or from a script"),
    Topic("progress", "how far vacuums, index builds, copies and base backups are"),
    Topic("host", "CPU, memory and storage, where the server runs on this machine"),
    Topic("commands", "the commands, the words they take, and their options"),
    Topic("installing", "packages for machines without internet or Python"),
    Topic("connecting", "servers, passwords, poolers, and how to wait for a slot"),
    Topic("rights", "what a role needs, and what it gets without"),
    Topic("safety", "every promise that pgtop makes"),
    Topic("exit-codes", "the exit codes of all commands"),
    Topic("record", "record a server, compare two times, report an incident"),
    Topic("past", "step through the past, and replay a recording"),
    Topic("json", "the fields of --json and --csv"),
    Topic("config", "your own settings: guards, looks, named servers"),
    Topic("themes", "the colours, their contrast, and themes of your own"),
    Topic("files", "configuration, audit log, and environment"),
    Topic("glossary", "the words that pgtop uses"),
    Topic(
        "contributing",
        "how to run a test, and how to add a column, a view or a probe",
        in_man_page=False,
    ),
    Topic("benchmarks", "what pgtop costs, beside its neighbours", in_man_page=False),
    Topic("changes", "what is new in each version", in_man_page=False),
)

BY_NAME: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}


class TopicFacts(NamedTuple):
    """The facts that the texts take from the program, so that none is written twice."""

    inserts: Mapping[str, Callable[[], str]]
    """Functions that return Markdown, by the name in an `insert` mark."""
    key_of: Callable[[str], str]
    """Returns the key of an action, by the name in a `key` mark."""


_INSERT = re.compile(r"<!-- insert: ([\w -]+) -->")
_KEY = re.compile(r"`key:(\w+)`")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def source(name: str) -> str:
    """Return the text of a topic as it is in its file. Works in a zip file, too."""
    data = pkgutil.get_data("pgtop.help", f"topics/{name}.md")
    if data is None:
        raise FileNotFoundError(f"topics/{name}.md")
    return data.decode()


def text(name: str, facts: TopicFacts) -> str:
    """Return the Markdown of a topic with its tables and keys, and without its comments."""

    def inserted(mark: re.Match[str]) -> str:
        return facts.inserts[mark[1]]()

    def key(mark: re.Match[str]) -> str:
        return f"`{facts.key_of(mark[1])}`"

    whole = _INSERT.sub(inserted, source(name))
    whole = _KEY.sub(key, whole)
    return _COMMENT.sub("", whole)


_INTRODUCTION = (
    "`pgtop help TOPIC` shows one of these topics, "
    "and `pgtop help COMMAND` a command's options."
)


def index() -> str:
    """Return the list of all topics as Markdown."""
    rows = [f"| `{topic.name}` | {topic.summary} |" for topic in TOPICS]
    table = "\n".join(("| topic | about |", "| --- | --- |", *rows))
    return f"# Help\n\n{_INTRODUCTION}\n\n{table}\n"
