"""No literal survives redaction, whole or cut; names and shape do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.sources.postgres.encoding import decode
from pgtop.text.redact import redacted, redaction

_MARK = "§"  # stands in literals and comments, and nowhere else
_ENCODINGS = (
    "SQL_ASCII", "UTF8", "EUC_JP", "EUC_JIS_2004", "EUC_KR", "EUC_CN", "EUC_TW", "MULE_INTERNAL",
    "LATIN1", "WIN1252",
    "WIN1255", "WIN874", "KOI8R",
)  # fmt: skip
_WORDS = st.sampled_from(
    [
        "SELECT",
        "from",
        "t1",
        "a$b",
        "é",
        '"Quoted ""Name"',
        "x.y",
        "$1",
        "(",
        ")",
        "*",
        "::text",
        ",",
        ";",
        "=",
        "||",
    ]
)
_GAPS = st.sampled_from([" ", "\n", "\t", "  "])
_SECRETS = st.text(alphabet=f"{_MARK}'\\\"$-/*a \nq", max_size=12).map(
    lambda text: f"{_MARK}{text}{_MARK}"
)
_TAGS = st.sampled_from(["$$", "$q$", "$body$", "$é_1$"])


def _plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _non_conforming(text: str) -> str:
    """Write a literal as a session with standard_conforming_strings off does."""
    return _escaped(text).removeprefix("E")


def _comment(text: str) -> str:
    """Write a nested comment; the marks of a comment are removed from its text."""
    inner = text.replace("*", "").replace("/", "")
    return f"/* {inner} /* {inner} */ {inner} */"


_LITERALS = st.one_of(
    *(
        _SECRETS.map(written)
        for written in (_plain, _escaped, _non_conforming, _comment)
    ),
    _SECRETS.map(lambda text: f"-- {text.replace(chr(10), ' ')}\n"),
    _SECRETS.map(lambda text: f"B{_plain(text)}"),
    _SECRETS.map(lambda text: f"U&{_plain(text)}"),
    st.tuples(_SECRETS, _TAGS).map(
        lambda pair: f"{pair[1]}{pair[0].replace('$', '')}{pair[1]}"
    ),
)
_QUERIES = st.lists(st.one_of(_WORDS, _LITERALS, _GAPS), max_size=12).map(" ".join)


@given(_QUERIES, st.integers(0, 400))
def test_no_literal_survives(query: str, length: int) -> None:
    """No part of a string in any notation, a comment or a dollar quote is left, wherever the text
    was cut.
    """
    assert _MARK not in redacted(query)
    assert _MARK not in redacted(query[:length])


@given(st.text(alphabet=f"{_MARK}'\\\"$-/*Ee \nqUu&1x.", max_size=60))
def test_masking_twice_changes_nothing(query: str) -> None:
    """Masked text stays the same when it is masked again, and every text can be masked."""
    once = redacted(query)
    assert redacted(once) == once


@given(st.lists(_WORDS, max_size=20).map(" ".join))
def test_all_but_literals_stays(query: str) -> None:
    """Keywords, names, operators and parameters are shown unchanged."""
    assert redacted(query) == query


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM t1 WHERE a = 'x''y' AND b = -12.5e-3",
            "SELECT * FROM t1 WHERE a = '?' AND b = -?"),
        ("SELECT 0xFF, 1_000, .5, 1., arr[1], t1.c2, $1", "SELECT ?, ?, ?, ?, arr[?], t1.c2, $1"),
        ("DO $do$ secret $do$ LANGUAGE x", "DO $$?$$ LANGUAGE x"),
        ("SELECT 1$a$se cret$a$", "SELECT ?$$?$$"),
        ("x = E'it\\'s' AND y", "x = E'?' AND y"),
        ("x = 'it\\' AND y = 'secret'", "x = '?'"),
        ("x = 'cut o", "x = '?'"),
        ("x = E'cut\\", "x = E'?'"),
        ("a /* cut /* o */ f", "a /*?*/"),
        ("a -- to the end\nb", "a --?\nb"),
        ('a "cut o', 'a "?'),
        ("$body$cut o$bod", "$$?$$"),
        ("<insufficient privilege>", "<insufficient privilege>"),
        ("SELECT 1a$a$ x $a$ secret $a$", "SELECT ?"),
        ("SELECT $\\xe9$ secret $\\xe9$, caf\\xe9", "SELECT $$?$$, caf\\xe9"),
    ],
)  # fmt: skip
def test_examples(query: str, shown: str) -> None:
    """Examples of redacted queries; in doubt, more is masked."""
    assert redacted(query) == shown


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SET app.key = hunter2", "SET app.key = ?"),
        ("set local app.key to hunter2, two; SELECT a", "set local app.key to ?; SELECT a"),
        ('SET SESSION "app"."key" /* c */ = "hunter2"', 'SET SESSION "app"."key" /*?*/ = ?'),
        ("BEGIN; SET TIME ZONE hunter2", "BEGIN; SET TIME ZONE ?"),
        ("ALTER SYSTEM SET app.key TO hunter2", "ALTER SYSTEM SET app.key TO ?"),
        ("ALTER ROLE web IN DATABASE shop SET app.key = hunter2",
            "ALTER ROLE web IN DATABASE shop SET app.key = ?"),
        ("CREATE FUNCTION f() RETURNS int SET app.key = hunter2",
            "CREATE FUNCTION f() RETURNS int SET app.key = ?"),
        ("SELECT set_config('app.key', 'hunter2', true)", "SELECT set_config('?', '?', true)"),
        ("LISTEN hunter2", "LISTEN ?"),
        ("-- c\nNOTIFY hunter2, 'x'", "--?\nNOTIFY ?"),
        ("UNLISTEN hunter2;", "UNLISTEN ?;"),
        ("PREPARE TRANSACTION 'hunter2'", "PREPARE TRANSACTION '?'"),
        ("ROLLBACK PREPARED hunter2", "ROLLBACK PREPARED ?"),
        ("ALTER ROLE x PASSWORD 'hunter2'", "ALTER ROLE x PASSWORD '?'"),
        ('CREATE USER x ENCRYPTED PASSWORD "hunter2" LOGIN', "CREATE USER x ENCRYPTED PASSWORD ?"),
        ("CREATE USER x IDENTIFIED BY hunter2", "CREATE USER x IDENTIFIED BY ?"),
        ("ALTER USER MAPPING FOR a SERVER b OPTIONS (SET c hunter2)",
            "ALTER USER MAPPING FOR a SERVER b OPTIONS ?"),
        ("ALTER SERVER b OPTIONS (SET host 'hunter2')", "ALTER SERVER b OPTIONS ?"),
        ("CREATE SUBSCRIPTION s CONNECTION 'password=hunter2' PUBLICATION p",
            "CREATE SUBSCRIPTION s CONNECTION '?'"),
        ("COPY t FROM PROGRAM 'curl hunter2'", "COPY t FROM PROGRAM '?'"),
    ],
)  # fmt: skip
def test_values_are_masked_with_and_without_quotes(query: str, shown: str) -> None:
    """The value of a setting, channel, password or connection is masked, even in an invalid
    statement.
    """
    assert redacted(query) == shown
    assert redacted(shown) == shown
    assert redacted(query.lower()) == shown.lower()


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE t SET a = b WHERE c = d",
        "INSERT INTO t SELECT a FROM b ON CONFLICT DO UPDATE SET a = excluded.a",
        "CREATE TABLE t (password text, options int)",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET ROLE web",
        "SELECT a AS set FROM t WHERE b = c",
    ],
)
def test_columns_and_names_are_no_values(query: str) -> None:
    """The SET of an UPDATE names columns, and roles and isolation levels are names."""
    assert redacted(query) == query


@pytest.mark.parametrize(
    ("query", "is_normalized"),
    [
        ("SELECT 'x'", True), ("-- c\n(SELECT 1) UNION VALUES (2);", True),
        ("WITH a AS (SELECT 1) TABLE a", True),
        ("INSERT INTO t VALUES (1)", True),
        ("MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE", True),
        ("ALTER ROLE web PASSWORD 'x'", False), ("SELECT 1; ALTER ROLE web PASSWORD 'x'", False),
        ("SELECT 'x' INTO t", False), ("EXPLAIN SELECT 'x'", False), ("SELECT 'cut", True),
        ("SELECT 'a\\' b", False),
        ("CREATE TABLE t AS SELECT 'x'", False), ("DECLARE c CURSOR FOR SELECT 'x'", False),
        ('SELECT "cut', False),
        ("SELECT $$cut", False), ("SELECT 1 /* cut", False),
    ],
)  # fmt: skip
def test_the_query_id_of_a_utility_statement_depends_on_its_literals(
    query: str, is_normalized: bool
) -> None:
    """A query_id is shown only if the server computes it without literals."""
    assert redaction(query).is_normalized is is_normalized


_WRONG_BYTES = st.binary(max_size=6).map(lambda raw: bytes(byte | 0x80 for byte in raw))
_MARKED = b"@@"  # in ASCII, so that it stands for itself in every encoding
_BODIES = st.lists(
    st.one_of(_WRONG_BYTES, st.sampled_from([b" ", b"x", b"/", b"1"])), max_size=6
).map(lambda parts: _MARKED + b"".join(parts) + _MARKED)
_WRITTEN = (
    b"'%s'", b"E'%s'", b"E'\\'%s'", b"U&'%s'", b"B'%s'", b"-- %s\n", b"/* %s */", b"/* /* */ %s */",
    b"$$%s$$",
    b"$q$%s$q$", b"SET a.b = 'x', %s;", b"; LISTEN %s;", b"; ALTER ROLE x PASSWORD %s;",
)  # fmt: skip
_TAGGED = st.tuples(_WRONG_BYTES, _BODIES).map(
    lambda pair: b"$%s$%s$%s$" % (pair[0], pair[1], pair[0])
)
_PIECES = st.one_of(
    st.tuples(st.sampled_from(_WRITTEN[:10]), _BODIES).map(
        lambda pair: pair[0] % pair[1]
    ),
    st.tuples(st.sampled_from(_WRITTEN[10:]), _BODIES).map(
        lambda pair: b"; " + pair[0] % pair[1]
    ),
    _TAGGED,
    _WRONG_BYTES,
    st.tuples(_WRONG_BYTES, _WRONG_BYTES).map(lambda pair: b'"%s q" n%s' % pair),
    st.sampled_from([b"SELECT", b"t1", b"12", b"::text", b",", b"(", b"$1"]),
)


@given(
    st.lists(_PIECES, max_size=8).map(b" ".join),
    st.sampled_from(_ENCODINGS),
    st.integers(0, 200),
)
def test_no_literal_survives_bytes_that_do_not_decode(
    query: bytes, encoding: str, length: int
) -> None:
    """No part of a literal is left with undecodable bytes in literals, tags and names, whole or cut
    at any byte.
    """
    assert _MARKED.decode() not in redacted(decode(query, encoding))
    assert _MARKED.decode() not in redacted(decode(query[:length], encoding, cut=True))


def test_a_megabyte_is_masked_at_once() -> None:
    """Masking the longest text that a server can keep takes linear time, even in the worst case."""
    assert redacted("'" * 1_000_001) == "'?'"
    assert redacted("/*" * 500_000) == "/*?*/"
    assert redacted("$a$" + "$b$" * 300_000) == "$$?$$"
