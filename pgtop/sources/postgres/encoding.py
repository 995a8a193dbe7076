"""Decoding of the bytes of any PostgreSQL database.

Nothing here raises: any session of the cluster chooses these bytes, and none may break the sample.
Bytes that cannot be decoded stay visible as `\\xNN`. Nothing is cleaned here: see
`pgtop.text.clean`.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable
from functools import cache
from typing import Any

_CODECS = {
    "BIG5": "cp950",
    "EUC_CN": "gb2312",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "JOHAB": "johab",
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "SJIS": "cp932",
    "UHC": "cp949",
    "UTF8": "utf-8",
    # Bytes without a declared encoding: most such text is UTF-8, and any other remains visible.
    "SQL_ASCII": "utf-8",
    "LATIN1": "iso8859-1",
    "LATIN2": "iso8859-2",
    "LATIN3": "iso8859-3",
    "LATIN4": "iso8859-4",
    "LATIN5": "iso8859-9",
    "LATIN6": "iso8859-10",
    "LATIN7": "iso8859-13",
    "LATIN8": "iso8859-14",
    "LATIN9": "iso8859-15",
    "LATIN10": "iso8859-16",
    "ISO_8859_5": "iso8859-5",
    "ISO_8859_6": "iso8859-6",
    "ISO_8859_7": "iso8859-7",
    "ISO_8859_8": "iso8859-8",
    "WIN866": "cp866",
    "WIN874": "cp874",
    "WIN1250": "cp1250",
    "WIN1251": "cp1251",
    "WIN1252": "cp1252",
    "WIN1253": "cp1253",
    "WIN1254": "cp1254",
    "WIN1255": "cp1255",
    "WIN1256": "cp1256",
    "WIN1257": "cp1257",
    "WIN1258": "cp1258",
}
"""https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED"""

_UNKNOWN = "ascii"
"""For EUC_TW and MULE_INTERNAL, which Python lacks: both use high bytes for all that is not
ASCII.
"""


def codec_of(encoding: str) -> str:
    """Return Python's codec for PostgreSQL's name of an encoding; ASCII, which leaves other bytes
    visible, if Python has none.
    """
    return _CODECS.get(encoding, _UNKNOWN)


def decode(raw: bytes, encoding: str, *, cut: bool = False) -> str:
    """Decode a text in a database's encoding; if it was `cut` at some byte, half a character at its
    end is dropped.
    """
    codec = codec_of(encoding)
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return _decode_runs(raw, codec, cut)


def _decode_runs(raw: bytes, codec: str, cut: bool) -> str:
    """Decode each run of bytes that are not ASCII by itself: Python's EUC codecs take an ASCII byte
    behind a wrong one for a part of it, and that may be the quote which ends a literal. No
    database's encoding has ASCII in a character.
    """
    parts = []
    for match in _RUNS.finditer(raw):
        run = match[0]
        # A decoder that is given more later keeps half a character back.
        is_whole = not cut or match.end() < len(raw)
        parts.append(
            run.decode("ascii")
            if run.isascii()
            else _decoder(codec)("backslashreplace").decode(run, is_whole)
        )
    return "".join(parts)


def decode_name(raw: bytes, encoding: str = "SQL_ASCII") -> str:
    """Decode a name from a catalog that all databases share: as UTF-8 if possible, else in
    `encoding`.

    Such a name is stored in the encoding of the database in which it was created.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return decode(raw, encoding)


def decoded(row: Iterable[Any], encoding: str) -> list[Any]:
    """Decode all bytes in a row."""
    return [_decoded_value(value, encoding) for value in row]


def _decoded_value(value: Any, encoding: str) -> Any:
    return decode(value, encoding) if isinstance(value, bytes) else value


_decoder = cache(getincrementaldecoder)
_RUNS = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")
