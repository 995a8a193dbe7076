"""From text to tree. What cannot be read is a FilterError at the character in doubt that says what
is right.
"""

import re
from collections.abc import Mapping
from typing import NoReturn

from pgtop.table.language import keys
from pgtop.table.language.doubts import check_can_hold, check_is_seen, check_is_what_it_looks_like
from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import KEYS, OTHER_NAMES, Key, Value, key_called
from pgtop.table.language.lazy import LazyPattern
from pgtop.table.language.quoting import QUOTES, unquoted
from pgtop.table.language.tree import All, Node, Not, Relation, Term, all_of, either_of
from pgtop.table.language.words import advice_on, is_keyword, is_operator
from pgtop.text.units import UNIT_WORD

LONGEST = 2000
"""Characters of a filter. Nothing that people write comes near, and reading it stays a matter of
milliseconds.
"""
_DEEPEST = 20
_MOST_WORDS = 64
"""Texts and patterns of a filter, each of which is put to thousands of sessions at every key."""

SIGNS: Mapping[str, tuple[Relation, bool]] = {
    ":~": (Relation.MATCHES, False), "~": (Relation.MATCHES, False), "~*": (Relation.MATCHES, False),
    "!~": (Relation.MATCHES, True), "!~*": (Relation.MATCHES, True),
    ":=": (Relation.IS, False), "=": (Relation.IS, False), "==": (Relation.IS, False),
    "!=": (Relation.IS, True), "<>": (Relation.IS, True),
    ":": (Relation.CONTAINS, False), "!:": (Relation.CONTAINS, True),
    "<=": (Relation.AT_MOST, False), ">=": (Relation.AT_LEAST, False),
    "<": (Relation.LESS, False), ">": (Relation.MORE, False),
}  # fmt: skip
"""What each sign means, and whether it is negated."""
_SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
COMPARISON = LazyPattern(rf"([^\W\d][\w-]*)(\s*)({_SIGN})(\s*)")
"""A key with its sign, and the blanks around it."""

_BLANKS = LazyPattern(r"\s*")
_WORD = LazyPattern(r"[\w.@/#-]+")
_NAME = LazyPattern(r"[^\W\d][\w-]*")
_CONNECTIVE = LazyPattern(r"(and|or)(?=[\s()]|$)", re.IGNORECASE)
_NOT = LazyPattern(r"not(?=[\s(]|$)\s*", re.IGNORECASE)
_STRAY_SIGN = LazyPattern(r"[:=!<>~]+")
_DOUBT_IN_PATTERN = LazyPattern(r"^[~=<>!:]|['\"]")
_SIGN_BEHIND_NOT = LazyPattern(r"[:=<>]")
_UNIT = LazyPattern(UNIT_WORD, re.IGNORECASE)
_REST_OF_TIME = LazyPattern(r"(?:[0-9]+(?:ms|[smhdw]))+", re.IGNORECASE)
_IDLE = LazyPattern(r"idle\s+$", re.IGNORECASE)
_INSTEAD = {
    "|": "alternatives are app:web,api, or terms with `or` between them",
    "&": "terms stand one behind the other, or with `and` between them",
    ",": "several values stand without blanks, as in user:web,api",
    "+": "terms stand one behind the other",
}


class FilterParser:
    """Reads a text from left to right; every reader leaves off behind what it has read.

    `grouped` are values that an argument of the command line holds together, by begin and end;
    `edges` are where arguments end, across which no quote reaches.
    """

    def __init__(
        self, text: str, grouped: Mapping[int, int] | None = None, edges: tuple[int, ...] = ()
    ) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._grouped = grouped or {}
        self._edges = edges
        self._last: Term | None = None
        self._words = 0

    def tree(self) -> Node:
        """Read the whole text."""
        if len(self._text) > LONGEST:
            raise too_long()
        self._skip_blanks()
        if self._is_at_end():
            return All()
        node = self._either()
        if not self._is_at_end():
            self._fail("`)` closes nothing: take it away, or put text in quotes")
        return node

    # Groups.

    def _either(self) -> Node:
        nodes = [self._all()]
        while self._take_connective("or"):
            nodes.append(self._all())
        return either_of(nodes)

    def _all(self) -> Node:
        nodes = [self._term()]
        while self._take_connective("and") or not (
            self._is_at_end() or self._next() == ")" or self._is_at("or")
        ):
            nodes.append(self._term())
        node = all_of(nodes)
        check_can_hold(node)
        return node

    def _take_connective(self, word: str) -> bool:
        self._skip_blanks()
        if not self._is_at(word):
            return False
        self._at += len(word)
        return True

    def _is_at(self, word: str) -> bool:
        found = _CONNECTIVE.match(self._text, self._at)
        return found is not None and found[1].lower() == word

    def _term(self) -> Node:
        self._skip_blanks()
        if self._is_at_end() or self._next() == ")" or _CONNECTIVE.match(self._text, self._at):
            self._fail("a term is missing here, as in db:shop")
        is_negated = self._take_negation()
        if self._next() == "(":
            node = self._group()
        else:
            node = self._last = self._plain_term()
            self._count_words(node)
        self._expect_end_of_term()
        return _negated(node) if is_negated else node

    def _count_words(self, term: Term) -> None:
        if not term.key or KEYS[term.key].takes_words:
            self._words += len(term.values)
        if self._words > _MOST_WORDS:
            raise FilterError(
                f"a filter may have {_MOST_WORDS} words: make it simpler", term.position
            )

    def _take_negation(self) -> bool:
        start = self._at
        if word := _NOT.match(self._text, start):
            self._at = word.end()
        elif self._next() == "-" or (
            self._next() == "!" and not _SIGN_BEHIND_NOT.match(self._text, start + 1)
        ):
            self._at += 1
        else:
            return False
        sign = self._text[start : self._at].strip()
        if self._is_at_end() or (sign in "-!" and self._next().isspace()):
            self._fail(
                f"a term is missing behind `{sign}`, as in {'not ' if word else sign}db:shop"
            )
        if self._next() in "-!" or _NOT.match(self._text, self._at):
            self._fail(f"one `{sign}` is enough: put text that begins so in quotes")
        return True

    def _group(self) -> Node:
        start = self._at
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"parentheses may stand {_DEEPEST} deep: make it simpler")
        self._at += 1
        node = self._either()
        if self._is_at_end():
            self._at = start
            self._fail("the parenthesis is not closed: write ) at its end, or put text in quotes")
        self._at += 1
        self._depth -= 1
        return node

    # Terms.

    def _plain_term(self) -> Term:
        if self._next() in QUOTES:
            return self._quoted_text()
        if self._next() == "~":
            return self._pattern_anywhere()
        comparison = COMPARISON.match(self._text, self._at)
        return self._word() if comparison is None else self._comparison(comparison)

    def _comparison(self, found: re.Match[str]) -> Term:
        start, (name, before, sign, after) = self._at, found.groups()
        key = key_called(name)
        if key is None:
            raise _unknown_key(name, sign, start)
        relation, is_negated = SIGNS[sign]
        if relation not in key.relations:
            raise FilterError(
                f"`{name}` does not go with `{sign}`: write it as in {key.example}", found.start(3)
            )
        if (after and not before) or len(after) > 1 or found.end() == len(self._text):
            raise FilterError(
                f"a value is missing: write it without blanks, as in {key.example}", found.end(3)
            )
        self._at = found.end()
        values = self._values(key, relation)
        meaning = key.read(relation, values)
        return Term(
            key.name, meaning.relation, meaning.values, is_negated, meaning.criterion, start
        )

    def _values(self, key: Key, relation: Relation) -> list[Value]:
        if end := self._grouped.get(self._at):
            return self._grouped_values(relation, end)
        if relation is Relation.MATCHES:
            self._check_is_no_term()
            return [self._pattern(key.example)]
        values = [self._value(key, relation)]
        while self._next() == "," and (
            relation in (Relation.CONTAINS, Relation.IS) and not _is_count(key)
        ):
            self._at += 1
            values.append(self._value(key, relation))
        return values

    def _grouped_values(self, relation: Relation, end: int) -> list[Value]:
        """Read what an argument of the command line holds together."""
        start, self._at = self._at, end
        text = self._text[start:end]
        check_is_what_it_looks_like(text, start)
        if relation is Relation.MATCHES:
            return [Value(text, start)]
        return [Value(found[0], start + found.start()) for found in re.finditer(r"[^,]+", text)]

    def _value(self, key: Key, relation: Relation) -> Value:
        start = self._at
        if self._next() and self._next() in QUOTES:
            value = self._quoted()
            if not value.text and not (relation is Relation.IS and key.takes_words):
                raise FilterError(f"a value is missing: write it as in {key.example}", start)
            return value
        found = re.compile(key.plain).match(self._text, start)
        self._at = start if found is None else found.end()
        rest = self._next()
        if rest and not rest.isspace() and rest not in "),":
            self._fail_in_value(key, rest)
        if found is None:
            raise FilterError(f"a value is missing: write it as in {key.example}", start)
        if is_keyword(found[0]):
            raise FilterError(advice_on(found[0]), start)
        if found[0].startswith("-") and key.takes_words:
            raise FilterError(
                "a value that begins with - goes in quotes; not stands before the key", start
            )
        return Value(found[0], start)

    def _fail_in_value(self, key: Key, rest: str) -> NoReturn:
        check_is_what_it_looks_like(rest, self._at)
        if rest in "*%?" and key.contains:
            self._fail(
                f"`{rest}` is no wildcard here: {key.name}:web already means contains, {key.name}:~^web begins"
            )
        if rest in "*%?" and key.takes_words:
            self._fail(
                f"`{rest}` is no wildcard here: write it as in {key.example}; a pattern is {key.name}:~^web"
            )
        if sign := _STRAY_SIGN.match(self._text, self._at):
            self._fail(
                f"`{sign[0]}` cannot stand in a value: write it as in {key.example}, or put the value in quotes"
            )
        if rest in _INSTEAD:
            self._fail(
                f"`{rest}` cannot stand in a value: {_INSTEAD[rest]}; as text the value goes in quotes"
            )
        advice = (
            f"; a pattern is {key.name}:~^web"
            if key.takes_words
            else f": write it as in {key.example}"
        )
        self._fail(f"a value with `{rest}` in it goes in quotes{advice}")

    def _pattern_anywhere(self) -> Term:
        start = self._at
        self._at += 2 if self._text.startswith("~*", start) else 1
        is_loose = not (self._next() and self._next() in QUOTES)
        pattern = self._pattern("~^select")
        criterion = keys.anywhere(Relation.MATCHES, pattern)
        return Term("", Relation.MATCHES, (pattern.text,), False, criterion, start, is_loose)

    def _check_is_no_term(self) -> None:
        """Raise FilterError where a pattern stands apart from its sign and looks like the next
        term.
        """
        word = self._text[self._at :].split(maxsplit=1)[0]
        is_apart = self._text[self._at - 1].isspace()
        if is_apart and (word[0] in "-!()" or is_keyword(word) or COMPARISON.match(word)):
            self._fail("a pattern is missing, or looks like a term: put it in quotes")

    def _pattern(self, example: str) -> Value:
        """Read a pattern: in quotes, or up to the next blank or the parenthesis that closes a group
        around it.
        """
        start = self._at
        if self._next() and self._next() in QUOTES:
            value = self._quoted()
        else:
            self._at = _end_of_pattern(self._text, start)
            value = Value(self._text[start : self._at], start)
            self._check_is_plain_pattern(value)
        if not value.text:
            raise FilterError(f"a pattern is missing: write it as in {example}", start)
        return value

    def _check_is_plain_pattern(self, value: Value) -> None:
        """Raise FilterError for a pattern whose signs may have been meant for the language, or for
        SQL's `~~`.
        """
        check_is_what_it_looks_like(value.text, value.position)
        if doubt := _DOUBT_IN_PATTERN.search(value.text):
            raise FilterError(
                f"a pattern with `{doubt[0]}` there goes in quotes", value.position + doubt.start()
            )

    # Text that stands alone.

    def _quoted_text(self) -> Term:
        start = self._at
        value = self._quoted()
        if not value.text:
            raise FilterError('there is nothing in the quotes: write text, as in "invoice"', start)
        if _STRAY_SIGN.match(self._text, self._at):
            self._fail("a key goes without quotes, and text with such a sign wholly into them")
        return Term(
            "",
            Relation.CONTAINS,
            (value.text,),
            False,
            keys.anywhere(Relation.CONTAINS, value),
            start,
        )

    def _word(self) -> Term:
        start = self._at
        found = _WORD.match(self._text, start)
        word = "" if found is None else found[0]
        self._at += len(word)
        rest = self._next()
        if rest and not rest.isspace() and rest != ")":
            self._fail_in_word(word, rest)
        if is_operator(word):
            self._fail_at_keyword(word, start)
        if key := key_called(word):
            self._fail_at_key(word, key, start)
        self._check_is_no_unit(word, start)
        if re.fullmatch(r"[0-9]{1,10}", word):
            pid = int(word)
            return Term(
                "pid",
                Relation.CONTAINS,
                (str(pid),),
                False,
                keys.with_pid(pid),
                start,
                is_bare_pid=True,
            )
        value = Value(word, start)
        return Term(
            "",
            Relation.CONTAINS,
            (word,),
            False,
            keys.anywhere(Relation.CONTAINS, value),
            start,
            True,
        )

    def _fail_in_word(self, word: str, rest: str) -> NoReturn:
        check_is_what_it_looks_like(rest, self._at)
        if sign := _STRAY_SIGN.match(self._text, self._at):
            needs = "cannot stand in a word" if word else "needs a key before it"
            self._fail(
                f"`{sign[0]}` {needs}: write it as in db:shop or age>5m; as text it goes in quotes"
            )
        if rest in "*%?":
            self._fail(
                f"`{rest}` is no wildcard here: a word is found anywhere; patterns are as in app:~^web"
            )
        if rest in _INSTEAD:
            self._fail(
                f"`{rest}` is not part of the language: {_INSTEAD[rest]}; as text it goes in quotes"
            )
        self._fail(f"text with `{rest}` in it goes in quotes")

    def _fail_at_keyword(self, word: str, start: int) -> NoReturn:
        if word.lower() == "in" and _IDLE.search(self._text, 0, start):
            raise FilterError("a state is one word: write state:idle-in-tx", start)
        raise FilterError(advice_on(word), start)

    def _fail_at_key(self, word: str, key: Key, start: int) -> NoReturn:
        """Raise FilterError for a key that stands alone, perhaps before a word of SQL."""
        self._skip_blanks()
        following = _NAME.match(self._text, self._at)
        if following and is_operator(following[0]) and following[0].lower() not in ("and", "or"):
            raise FilterError(_advice_behind(key, following[0]), self._at)
        state = ", or state:idle" if key.name == "idle" else ""
        raise FilterError(
            f"`{word}` is a key: write it as in {key.example}{state}; as text it goes in quotes",
            start,
        )

    def _check_is_no_unit(self, word: str, start: int) -> None:
        """Raise FilterError for a unit, or the rest of a time, that stands apart from the term
        before it.
        """
        last = self._last
        if last is None or last.key not in KEYS or not KEYS[last.key].is_time:
            return
        number, unit = last.values[0], _UNIT.fullmatch(word)
        if not self._text[:start].rstrip().endswith(number):
            return
        if unit is not None and not number[-1].isalpha():
            raise FilterError(
                f"a time stands without blanks: write {number}{unit[unit.lastindex or 0].lower()}",
                start,
            )
        if _REST_OF_TIME.fullmatch(word):
            raise FilterError(f"a time stands without blanks: write {number}{word}", start)

    # Characters.

    def _quoted(self) -> Value:
        start = self._at
        found = unquoted(self._text, start)
        if found is None or any(start < edge < found[1] for edge in self._edges):
            self._fail(f"the quote is not closed: write another {self._next()} at its end")
        self._at = found[1]
        check_is_seen(self._text[start : self._at], start)
        return Value(found[0], start)

    def _expect_end_of_term(self) -> None:
        rest = self._next()
        if rest and not rest.isspace() and rest != ")":
            self._fail("a space is missing here; text with signs in it goes into quotes wholly")

    def _next(self) -> str:
        """Return the next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def _is_at_end(self) -> bool:
        return self._at >= len(self._text)

    def _skip_blanks(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        self._at = blanks.end() if blanks else self._at

    def _fail(self, message: str) -> NoReturn:
        raise FilterError(message, self._at)


def too_long() -> FilterError:
    """Return the error of a text with more than LONGEST characters."""
    return FilterError(f"a filter may have {LONGEST} characters: make it shorter", LONGEST)


def _negated(node: Node) -> Node:
    """Negate a node; a negated term is a term, and twice negated is once meant."""
    if isinstance(node, Not):
        return node.node
    if not isinstance(node, Term):
        return Not(node)
    return node._replace(negated=not node.negated)


def _is_count(key: Key) -> bool:
    return Relation.MORE in key.relations


def _end_of_pattern(text: str, at: int) -> int:
    """Return where a pattern without quotes ends: at a blank, or at a parenthesis that it has not
    opened itself.
    """
    depth = 0
    while at < len(text) and not text[at].isspace():
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth < 0:
                break
        at += 1
    return min(at, len(text))


def _advice_behind(key: Key, word: str) -> str:
    """Return what to write where a word of SQL stands behind a key."""
    name = key.name
    if name == "idle" and word.lower() == "in":
        return "a state has its key, and is one word: write state:idle-in-tx"
    if key.is_time and word.lower() == "between":
        return f"`{word}` is not part of the language: write {name}>=1m {name}<=5m"
    if not key.takes_words:
        return f"`{word}` is not part of the language: write it as in {key.example}"
    forms = {
        "in": f"write {name}:web,api for one of several", "like": f"write {name}:web (contains) or {name}~^web",
        "is": f"write not {name}~. for none, and {name}~. for any", "not": f"write not {name}:web",
    }  # fmt: skip
    form = forms.get(word.lower(), forms["like"])
    return f"`{word}` is not part of the language: {form}"


def _unknown_key(name: str, sign: str, position: int) -> FilterError:
    import difflib  # only for a mistyped one

    plain = name.lower().replace("_", "-")
    near = _MEANT.get(plain) or next(
        iter(difflib.get_close_matches(plain, [*KEYS, *OTHER_NAMES], n=1)), None
    )
    hint = f"did you mean `{near}`?" if near else f"use one of {', '.join(KEYS)}."
    return FilterError(
        f"unknown key `{name}`: {hint} Text with `{sign}` in it goes in quotes", position
    )


_MEANT = {
    "stmt": "query-age", "since": "state-age", "login": "backend-age", "blk": "blocked", "q": "query", "sql": "query",
    "tx": "xact", "transaction": "xact", "xact-start": "xact", "query-start": "query-age", "ip": "client",
    "state-change": "state-age", "backend-start": "backend-age", "idle-age": "idle",
}  # fmt: skip
"""Headings and columns that are no keys, as they would be compared otherwise."""
