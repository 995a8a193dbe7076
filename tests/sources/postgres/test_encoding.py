"""Any bytes become text, and what cannot be decoded stays visible."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.sources.postgres.encoding import codec_of, decode, decode_name

LACKING = {"EUC_TW", "MULE_INTERNAL"}
ENCODINGS = (
    "SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "UTF8", "MULE_INTERNAL",
    "LATIN1", "LATIN2",
    "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10", "WIN1256",
    "WIN1258", "WIN866",
    "WIN874", "KOI8R", "WIN1251", "WIN1252", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8",
    "WIN1250",
    "WIN1253", "WIN1254", "WIN1255", "WIN1257", "KOI8U", "SJIS", "BIG5", "GBK", "UHC", "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004", "no such encoding", "",
)  # fmt: skip


def test_every_encoding_of_the_server_has_a_codec(dsn: str) -> None:
    """Each encoding that the server can name has a Python codec, but the two that Python lacks."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT pg_encoding_to_char(number) FROM generate_series(0, 63) number"
        ).fetchall()
    named = {name for (name,) in rows if name}
    assert {name for name in named if codec_of(name) == "ascii"} <= LACKING
    assert named <= set(ENCODINGS)


@given(st.binary(), st.sampled_from(ENCODINGS), st.booleans())
def test_no_bytes_raise(raw: bytes, encoding: str, cut: bool) -> None:
    """Any bytes in any encoding become a text."""
    assert isinstance(decode(raw, encoding, cut=cut), str)
    assert isinstance(decode_name(raw, encoding), str)


@given(
    st.text(
        st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\~")
    ),
    st.sampled_from(ENCODINGS),
)
def test_ascii_is_the_same_everywhere(text: str, encoding: str) -> None:
    """SQL's own characters survive in every encoding (but the two that SJIS gives another
    shape).
    """
    assert decode(text.encode(), encoding) == text


@given(
    st.text(),
    st.sampled_from(
        [encoding for encoding in ENCODINGS if codec_of(encoding) != "ascii"]
    ),
)
def test_encoded_text_is_decoded(text: str, encoding: str) -> None:
    """A text that its database can hold is read as it was written."""
    codec = codec_of(encoding)
    storable = text.encode(codec, "ignore")
    assert decode(storable, encoding) == storable.decode(codec)


@given(st.text(st.characters(min_codepoint=1, codec="utf-8")), st.data())
def test_a_cut_leaves_whole_characters(text: str, data: st.DataObject) -> None:
    """Cut at any byte, a UTF-8 text keeps its whole characters and shows no piece of one."""
    raw = text.encode()
    at = data.draw(st.integers(0, len(raw)))
    shown = decode(raw[:at], "UTF8", cut=True)
    assert text.startswith(shown)
    assert at - len(shown.encode()) < 4


@pytest.mark.parametrize(
    ("raw", "encoding", "cut", "text"),
    [
        (b"caf\xe9", "LATIN1", False, "café"),
        (b"caf\xe9", "UTF8", False, "caf\\xe9"),
        (b"caf\xe9", "SQL_ASCII", False, "caf\\xe9"),
        ("café".encode(), "SQL_ASCII", False, "café"),
        (b"caf\xe9 \x1b[31m", "UTF8", False, "caf\\xe9 \x1b[31m"),
        (b"caf\xc3", "UTF8", True, "caf"),
        (b"caf\xc3", "UTF8", False, "caf\\xc3"),
        (b"\xff caf\xc3", "UTF8", True, "\\xff caf"),
        ("日本".encode("euc_jp")[:-1], "EUC_JP", True, "日"),
        ("日本".encode("gb18030")[:-1], "GB18030", True, "日"),
        (b"\xa4\xa1", "EUC_TW", False, "\\xa4\\xa1"),
        (b"\x81", "WIN1252", False, "\\x81"),
        (b"\xd0\xc8", "KOI8R", False, "пх"),
    ],
)
def test_cases(raw: bytes, encoding: str, cut: bool, text: str) -> None:
    """Bytes that fit, bytes that do not, and half characters."""
    assert decode(raw, encoding, cut=cut) == text


@pytest.mark.parametrize(
    ("raw", "encoding", "name"),
    [
        ("büro".encode(), "LATIN1", "büro"),
        ("büro".encode("latin1"), "LATIN1", "büro"),
        ("büro".encode("latin1"), "UTF8", "b\\xfcro"),
    ],
)
def test_names(raw: bytes, encoding: str, name: str) -> None:
    """The name of a role or a database is UTF-8 if possible, else in the given encoding."""
    assert decode_name(raw, encoding) == name
