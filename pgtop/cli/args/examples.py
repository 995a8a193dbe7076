"""Examples of each command, which stand first in its help.

Loaded for `--help` only.
"""

from collections.abc import Mapping

from pgtop.help.wrapping import GAP, listed

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("pgtop -h db1.example.net -U dba postgres", "the dashboard"),
        ("pgtop @prod", "a server of config.toml"),
        ("pgtop --wait", "wait for a slot on a full server"),
        ("pgtop -d show", "a database with the name of a command"),
    ),
    "audit": (("pgtop audit --since 7d kill", "signals of a week with this word"),),
    "budget": (
        ("pgtop budget", "the slots, by state, role and database"),
        ("pgtop budget -w 80 -c 95", "a check for monitoring"),
        ("pgtop budget -w -c @90:100", "-w alone: never prompt for a password"),
    ),
    "cancel": (
        ("pgtop cancel 4711", "end the query of one session"),
        ("pgtop cancel 'app:report age>10m' --dry-run", "the plan alone"),
    ),
    "completion": (
        ("source <(pgtop completion bash)", "in ~/.bashrc; zsh: in ~/.zshrc"),
        ("pgtop completion fish | source", "in config.fish"),
    ),
    "config": (
        ("pgtop config show", "each value with its origin"),
        ("pgtop config init", "write a commented file"),
    ),
    "demo": (("pgtop demo", "a server with a simulated workload"),),
    "diff": (
        (
            "pgtop diff FILE --at 03:10 --at 03:20",
            "what came, went and changed meanwhile",
        ),
    ),
    "export": (
        ("pgtop export --prometheus pgtop.prom @prod", "metrics of one sample"),
    ),
    "help": (
        ("pgtop help emergencies", "on a full or blocked server"),
        ("pgtop help kill", "the options of a command"),
    ),
    "kill": (
        ("pgtop kill 4711", "end one session"),
        ("pgtop kill 'state:idle-in-tx age>10m'", "ask, and end what matches"),
        ("pgtop kill 'user:web age>1h' --yes", "do not ask"),
    ),
    "locks": (
        ("pgtop locks", "blockers with their waiters"),
        ("pgtop locks --json || echo waiting", "exit code 11 if any session waits"),
    ),
    "pools": (
        ("pgtop pools --pooler postgresql://stats@pool:6432", "clients that wait"),
    ),
    "progress": (("pgtop progress --json", "for programs"),),
    "record": (
        ("pgtop record incident.pgtop", "until Ctrl-C"),
        ("pgtop record /var/log/pgtop", "a new file in a folder"),
    ),
    "replay": (("pgtop replay incident.pgtop --at 03:12", "the dashboard at a time"),),
    "replication": (("pgtop replication", "standbys, slots and their lag"),),
    "report": (("pgtop report incident.pgtop", "an incident on one page"),),
    "show": (
        ("pgtop show --filter 'db:shop age>5m'", "long queries of a database"),
        ("pgtop show --sort age --json", "for programs"),
    ),
    "statements": (
        ("pgtop statements --seconds 30 --sort calls", "the most frequent ones"),
    ),
    "version": (("pgtop version --verbose", "what a bug report needs"),),
    "waits": (("pgtop waits --seconds 60 --by query", "by query, for a minute"),),
}
"""The words and meaning of each example, by command; the dashboard has no name."""


def examples(command: str, width: int) -> str:
    """Return the examples of a command as lines of at most `width` cells."""
    rows = EXAMPLES[command]
    column = max(len(words) for words, _ in rows) + len(GAP)
    return listed(rows, column, width)
