"""The shape of the code: one idea a line, small blocks, one class a name, keys in one place."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from tests.architecture.source import Offence, Source, type_of_function

MAX_COMPLEXITY = 10
MAX_LINES = 450
MAX_TEST_LINES = 550
MAX_DENSITY = 7.5  # tokens a line of code, over the package

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_ONE_IDEA = (*_COMPREHENSIONS, ast.IfExp)

# The names of keys, those among them that mean nothing else, and the modules that may have them.
_KEY_NAMES = re.compile(
    r"(ctrl|shift|alt|super)\+\w+|escape|enter|tab|space|backspace|delete|insert|home|end|page(up|down)|up|down|left"
    r"|right|f\d\d?|question_mark|slash|\w"
)
_UNMISTAKABLE = re.compile(
    r"(ctrl|shift|alt)\+\w+|escape|backspace|page(up|down)|f\d\d?|question_mark"
)
_KEY_VALUES = re.compile(r"\b(key|keys|character|aliases|binding)\b")
KEY_MODULES = (
    "pgtop/actions/",
    "pgtop/field_keys.py",
    "pgtop/key_names.py",
    "pgtop/config/keymap.py",
    "pgtop/terminal/",
    "pgtop/tui/terminal/",
)


def _own_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of a statement that belong to no statement inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from _own_expressions(child)


def crowded(source: Source) -> Iterator[Offence]:
    """Yield the statements with more than one comprehension or ternary."""
    for node in source.nodes:
        if not isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            continue
        ideas = 0
        for expression in _own_expressions(node):
            ideas += sum(isinstance(inner, _ONE_IDEA) for inner in ast.walk(expression))
        if ideas > 1:
            line = getattr(node, "lineno", 0)
            yield source.offence(
                line, f"{ideas} comprehensions or ternaries in one statement"
            )


def _branches(node: ast.AST) -> int:
    """Return how many paths this node adds, as radon counts them."""
    match node:
        case ast.If() | ast.IfExp() | ast.Assert():
            return 1
        case ast.For() | ast.AsyncFor() | ast.While():
            return 1 + bool(node.orelse)
        case ast.Try() | ast.TryStar():
            return len(node.handlers) + bool(node.orelse)
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.Match():
            patterns = [case.pattern for case in node.cases]
            has_default = any(
                getattr(pattern, "pattern", False) is None for pattern in patterns
            )
            return len(patterns) - has_default
    return 0


def complexity(block: Iterable[ast.AST]) -> int:
    """Return the branches in `block`, without those of the functions and classes inside it."""
    total = 0
    for node in block:
        if isinstance(node, (*type_of_function, ast.ClassDef)):
            continue
        total += _branches(node) + complexity(ast.iter_child_nodes(node))
    return total


def complex_blocks(source: Source) -> Iterator[Offence]:
    """Yield the functions above the highest complexity."""
    for function in source.functions:
        paths = 1 + complexity(function.body)
        if paths > MAX_COMPLEXITY:
            yield source.offence(
                function.lineno, f"{function.name} has complexity {paths}"
            )


def long_modules(source: Source) -> Iterator[Offence]:
    """Yield the module if it is too long."""
    lines = source.text.count("\n")
    limit = MAX_TEST_LINES if source.is_test else MAX_LINES
    if source.is_python and lines > limit:
        yield source.offence(1, f"{lines} lines, at most {limit}")


def repeated_classes(package: Sequence[Source]) -> Iterator[Offence]:
    """Yield each class of the package that has its name from no other class first."""
    places = defaultdict(list)
    for source in package:
        for node in source.classes:
            places[node.name].append((source, node.lineno))
    for name, each in places.items():
        if len(each) > 1:
            for source, line in each:
                yield source.offence(line, f"class {name} exists {len(each)} times")


def _is_text(node: ast.AST, pattern: re.Pattern[str]) -> TypeGuard[ast.Constant]:
    if not isinstance(node, ast.Constant):
        return False
    return isinstance(node.value, str) and bool(pattern.fullmatch(node.value))


def _key_constants(node: ast.AST) -> Iterator[ast.Constant]:
    for inner in ast.walk(node):
        if _is_text(inner, _KEY_NAMES):
            yield inner


def _compares_keys(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return bool(_KEY_VALUES.search(ast.unparse(node.left)))
    if isinstance(node, ast.Match):
        return bool(_KEY_VALUES.search(ast.unparse(node.subject)))
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).endswith(("Binding", "simulate_key", "bind"))
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        return ast.unparse(target) == "BINDINGS"
    return False


def _keys_in(node: ast.AST) -> Iterator[ast.Constant]:
    if not _compares_keys(node):
        return
    if isinstance(node, ast.Match):
        for case in node.cases:
            yield from _key_constants(case.pattern)
    elif isinstance(node, ast.Call):
        for argument in node.args[:1]:
            yield from _key_constants(argument)
    else:
        yield from _key_constants(node)


def key_literals(source: Source) -> Iterator[Offence]:
    """Yield the names of keys outside the key map, as comparisons, bindings or plain texts."""
    if source.name.startswith(KEY_MODULES):
        return
    constants = {}
    for node in source.nodes:
        for constant in _keys_in(node):
            constants[constant.lineno, constant.col_offset] = constant.value
        if _is_text(node, _UNMISTAKABLE):
            constants[node.lineno, node.col_offset] = node.value
    for (line, _column), key in sorted(constants.items()):
        yield source.offence(line, f"key {key!r} outside the key map")


def frozen_writes(source: Source) -> Iterator[Offence]:
    """Yield the writes past a frozen object's own protection."""
    for node in source.nodes:
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr == "__dict__" or ast.unparse(node) == "object.__setattr__":
            yield source.offence(node.lineno, f"writes through {ast.unparse(node)}")


def begun_workers(source: Source) -> Iterator[Offence]:
    """Yield the workers that get a coroutine. Python complains of it on the terminal if the app
    ends before it begins; a function is only called then.
    """
    for node in source.nodes:
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        work = node.args[0]
        is_call = isinstance(work, ast.Call) and ast.unparse(work.func) != "partial"
        if name == "run_worker" and is_call:
            yield source.offence(node.lineno, "a worker gets a coroutine")


_LAYOUT = (
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.COMMENT,
    tokenize.ENDMARKER,
)
# Since Python 3.12 many tokens, here one.
_FORMATTED_START = getattr(tokenize, "FSTRING_START", -1)
_FORMATTED_END = getattr(tokenize, "FSTRING_END", -1)


def density(sources: Iterable[Source]) -> tuple[int, int]:
    """Return the tokens and the lines of code of `sources`, without docstrings and comments."""
    tokens, lines = 0, 0
    for source in sources:
        code_lines = list(_code_lines(source.tokens))
        tokens += len(code_lines)
        lines += len(set(code_lines))
    return tokens, lines


def dense_package(sources: Sequence[Source]) -> Iterator[Offence]:
    """Yield an offence if the lines of `sources` hold too much, all in all."""
    tokens, lines = density(sources)
    if tokens > MAX_DENSITY * lines:
        text = f"{tokens / lines:.2f} tokens a line, at most {MAX_DENSITY}"
        yield Offence("package", 0, text)


def _code_lines(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[int]:
    """Yield the line of each token that is code."""
    is_start = True  # of a statement: a text there is a docstring
    depth = 0
    for token in tokens:
        was_inside = depth > 0
        depth += (token.type == _FORMATTED_START) - (token.type == _FORMATTED_END)
        if token.type in _LAYOUT:
            is_start = is_start or token.type == tokenize.NEWLINE
        elif not (was_inside or (is_start and token.type == tokenize.STRING)):
            is_start = False
            yield token.start[0]
