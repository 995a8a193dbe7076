"""The language of filters: the sentence and the canonical text of each form."""

import pytest

from pgtop.cli.completion.words import filter_keys
from pgtop.table.filter import Filter
from pgtop.table.language.help import FILTER_HELP
from pgtop.table.language.keys import KEYS
from pgtop.table.language.vocabulary import Relation


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("", ""),
        (
            "db:shop state:idle-in-tx age>10m",
            'in databases whose name contains "shop", that are idle in a transaction, '
            "with an age of more than 10 min",
        ),
        ("db=shop", 'in database "shop"'),
        ("db:=shop", 'in database "shop"'),
        ("db==shop", 'in database "shop"'),
        ("dbname=shop", 'in database "shop"'),
        ("datname = 'shop'", 'in database "shop"'),
        ("not db:shop", 'not in databases whose name contains "shop"'),
        ("-db:shop", 'not in databases whose name contains "shop"'),
        ("!db:shop", 'not in databases whose name contains "shop"'),
        ("db!:shop", 'not in databases whose name contains "shop"'),
        ("NOT db:shop", 'not in databases whose name contains "shop"'),
        ("not db!:shop", 'in databases whose name contains "shop"'),
        ("db!=shop", 'not in database "shop"'),
        ("db<>shop", 'not in database "shop"'),
        ("db <> 'shop'", 'not in database "shop"'),
        (r"app~^web-\d+", r'whose application name matches "^web-\d+"'),
        ("app:~^web", 'whose application name matches "^web"'),
        ("app ~* '^web'", 'whose application name matches "^web"'),
        ("app!~^web", 'whose application name does not match "^web"'),
        (
            "user:web and user:api",
            'whose role contains "web", and whose role contains "api"',
        ),
        (
            "user:web or user:api age>1h",
            'whose role contains "web" or '
            '(whose role contains "api" and with an age of more than 1 h)',
        ),
        (
            "(user:web OR user:api) AND age>1h",
            '(whose role contains "web" or whose role contains "api"), '
            "with an age of more than 1 h",
        ),
        (
            "not (db:a state:idle)",
            'not (in databases whose name contains "a" and that are idle)',
        ),
        ("not (not db:a)", 'in databases whose name contains "a"'),
        ("user:web,api", 'whose role contains "web" or "api"'),
        ("user!:web,api", 'whose role contains neither "web" nor "api"'),
        ("user!=web,api", 'whose role is neither "web" nor "api"'),
        ("state:active,waiting", "that are running or waiting for a lock"),
        ("-state:idle,other", "that are neither idle nor in another state"),
        ("state:other", "that are in another state"),
        ("state = 'idle in transaction'", 'that are in state "idle in transaction"'),
        ("state:aborted", "that are idle in a failed transaction"),
        ("invoice", 'with "invoice" in any column'),
        ('-"drop table"', 'with "drop table" in no column'),
        ("~^sel", 'matching "^sel" in any column'),
        (
            "app:my tool",
            'whose application name contains "my", with "tool" in any column',
        ),
        ("app:'it''s'", 'whose application name contains "it\'s"'),
        ("client:local", "from a local socket"),
        ("client:10.0.", "from network 10.0.0.0/16"),
        ("client:10.0.0.0/8", "from network 10.0.0.0/8"),
        ("client=10.0.0.7", "from address 10.0.0.7"),
        ("client:2001:db8:,::1", "from network 2001:db8::/32 or address ::1"),
        ("-client:local,10.0.0.7", "from neither a local socket nor address 10.0.0.7"),
        ("host:web-1", 'whose host name contains "web-1"'),
        ("wait:Lock,read", 'waiting for an event of type "Lock" or containing "read"'),
        ("-wait:lock:tuple", 'not waiting for an event beginning with "lock:tuple"'),
        ("query-age>30s", "running a statement for more than 30 s"),
        ("query-age > 1h30m", "running a statement for more than 1 h 30 min"),
        ("-xact<5m", "in a transaction for at least 5 min"),
        ("idle>=90", "idle for at least 90 s"),
        ("state-age<200ms", "in the same state for less than 200 ms"),
        ("backend-age<=1d", "logged in for at most 1 d"),
        ("pid:4711", "with pid 4711"),
        ("4711", "with pid 4711"),
        ("pid!=4711,4712", "with a pid other than 4711 or 4712"),
        ("b:0,4711", "waiting for a prepared transaction or pid 4711"),
        ("-root:4711", "outside the blocking tree of pid 4711"),
        ("blocks>1", "blocking more than 1 session"),
        ("blocked!=2", "not blocked by exactly 2 sessions"),
        ("-blocks>=2", "blocking fewer than 2 sessions"),
        ("blocks>0", "blocking at least 1 session"),
        ("-blocks>0", "blocking no session"),
        ("blocked=0", "blocked by no session"),
        ("blocked!=0", "blocked by at least 1 session"),
        ("-state:active", "that are not running (but perhaps waiting for a lock)"),
        ("-state:active,waiting", "that are neither running nor waiting for a lock"),
        ("state!=active", 'that are not in state "active"'),
        (
            "-db:shop or user:web",
            '(not in databases whose name contains "shop") or whose role contains "web"',
        ),
        ("user:WEB", 'whose role contains "WEB" ignoring case'),
        ("user=WEB", 'whose role is "WEB"'),
        (r"query~\Wselect", r'whose query matches "\Wselect"'),
        ("query~^SELECT", 'whose query matches "^SELECT" ignoring case'),
        ('wait=""', "waiting for nothing"),
        ("wait!=Lock", 'not waiting for an event of the exact name or type "Lock"'),
    ],
)
def test_the_sentence_of_a_filter(written: str, understood: str) -> None:
    """The sentence is plain English and shows the groups."""
    assert Filter(written).understood == understood


@pytest.mark.parametrize("entry", FILTER_HELP, ids=lambda entry: entry.name)
def test_the_canonical_text_of_each_example_is_equal(
    entry: tuple[str, str, str],
) -> None:
    """Each example of the help has a sentence and a canonical text."""
    chosen = Filter(entry[2])
    assert Filter(chosen.canonical) == chosen
    assert chosen.understood


def test_shells_complete_every_key_that_takes_a_colon() -> None:
    """The completion is generated from the keys."""
    colons = {
        f"{key.name}:" for key in KEYS.values() if Relation.CONTAINS in key.relations
    }
    assert set(filter_keys()) == colons
