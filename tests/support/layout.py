"""What the rules of the layout are checked with: findings in source text, as lines and names.

Each finder takes text, so that tests/test_layout.py can show on a sample that it finds what it should.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(*packages: str) -> list[Path]:
    """All modules of packages, or folders, in order."""
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    """`shared/contract/keys.py` → `shared.contract.keys`; a package by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Imports.


def imported(tree: ast.AST) -> Iterator[str]:
    """Whole names of what is imported: of `from a.b import c` both `a.b` and `a.b.c`, since c may be a
    module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(tree: ast.AST) -> set[str]:
    """Top-level packages that are imported."""
    return {name.split(".")[0] for name in imported(tree)}


def arrows(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Which modules each module imports, of those given. `from a.b import c` is an arrow to the module
    `a.b.c` if there is one, else to `a.b`."""
    found: dict[str, set[str]] = {}
    for name, text in sources.items():
        others: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                others.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                inner = whole & sources.keys()
                others |= inner if inner == whole else inner | {node.module}
        found[name] = (others & sources.keys()) - {name}
    return found


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Paths that come back to where they began."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
            return
        if name in done:
            return
        for other in sorted(graph.get(name, ())):
            visit(other, [*path, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def room_of(module: str, package: str, floors: Sequence[Sequence[str]]) -> str:
    """The room of a module: the first part of its name below the package that a floor names."""
    rest = module[len(package) + 1 :]
    rooms = {room for floor in floors for room in floor}
    parts = rest.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in rooms:
            return ".".join(parts[:length])
    return ""


def climbs(package: str, floors: Sequence[Sequence[str]], graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Imports that go up: `floors` has the highest first. Rooms of one floor may not import one another."""
    height = {room: -number for number, floor in enumerate(floors) for room in floor}
    found = []
    for module, others in graph.items():
        own = room_of(module, package, floors)
        if not own:
            if module != package:
                found.append(f"{module} stands on no floor")
            continue
        for other in others:
            room = room_of(other, package, floors)
            if room and room != own and height[room] >= height[own]:
                found.append(f"{module} imports {other}")
    return found


# Declared state, exceptions.


def probes(source: str) -> Iterator[int]:
    """Lines that ask whether a field is there: hasattr, getattr with a default, `__dict__`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="hasattr") | ast.Attribute(attr="hasattr")):
                yield node.lineno
            case ast.Call(func=ast.Name(id="getattr") | ast.Attribute(attr="getattr"), args=[_, _, _]):
                yield node.lineno
            case ast.Attribute(attr="__dict__"):
                yield node.lineno


_NOQA = re.compile(r"#\s*noqa: \w+[\s—-]*")


def swallows(source: str) -> Iterator[int]:
    """Lines where an exception disappears: whatever it was, or without a word why."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
            if any(_is_broad(kind) for kind in node.args):
                yield node.lineno
        elif isinstance(node, ast.ExceptHandler):
            does_nothing = all(
                isinstance(step, ast.Pass | ast.Continue)
                or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
                for step in node.body
            )
            is_broad = node.type is None or any(_is_broad(each) for each in ast.walk(node.type))
            # The comment may stand above the handler, where a formatter has put it.
            text = lines[node.lineno - 2 : node.end_lineno]
            text = text if text[0].lstrip().startswith("#") else text[1:]
            says_why = any(re.search(r"#\s*\w", _NOQA.sub("#", line)) for line in text)
            raises = any(isinstance(step, ast.Raise) and step.exc is None for step in node.body)
            only_passes = does_nothing and any(isinstance(step, ast.Pass) for step in node.body)
            silent = does_nothing and (only_passes or is_broad or not says_why)
            if node.type is None or silent or (is_broad and not says_why and not raises):
                yield node.lineno


def _is_broad(kind: ast.AST) -> bool:
    return isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")


# Purity.

IMPURE = frozenset(
    {"asyncio", "time", "socket", "os", "redis", "random", "logging", "structlog", "websockets", "threading"}
)
IMPURE_HERE = frozenset({"shared.clock", "shared.store", "shared.process", "shared.logs.log"})
"""Our own rooms of clocks, Redis and processes."""


def promises_purity(source: str) -> bool:
    """Whether the module's docstring says "Pure."."""
    return re.search(r"\bPure\.(\s|$)", ast.get_docstring(ast.parse(source)) or "") is not None


def impurities(source: str) -> set[str]:
    """What a pure module may not import."""
    names = set(imported(ast.parse(source)))
    ours = {name for name in names for room in IMPURE_HERE if name == room or name.startswith(room + ".")}
    return {name for name in names if name.split(".")[0] in IMPURE} | ours


# Maps.


def mapped(source: str) -> list[str]:
    """Names that a package's map lists: lines of its docstring that begin with a name and two spaces (a
    formatter may have moved them to the left)."""
    text = ast.get_docstring(ast.parse(source), clean=False) or ""
    return re.findall(r"^(?: {4})?(\w+/?) {2,}\S", text, re.MULTILINE)


def contents(folder: Path) -> set[str]:
    """What a map has to list: modules, and packages with a slash."""
    found = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    return found | {f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").exists()}


# Words of the contract.


def spelt(source: str, words: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Places where a text names something by a word of `words`: as a key, a subject of a comparison or of a
    case, the name that a getter is asked for, or bytes. Not: keyword arguments, which name fields of a log
    line."""
    for node in ast.walk(ast.parse(source)):
        found: list[ast.AST] = []
        match node:
            case ast.Subscript(slice=ast.Constant() as key):
                found = [key]
            case ast.Call(func=ast.Attribute(attr="get" | "pop" | "setdefault" | "hget" | "note"), args=args):
                found = list(args[:2])
            case ast.Dict(keys=keys):
                found = [key for key in keys if key is not None]
            case ast.Compare(left=left, comparators=others):
                found = [part for each in (left, *others) for part in _parts(each)]
            case ast.MatchValue(value=value):
                found = [value]
            case ast.Constant(value=bytes()):
                found = [node]
        for each in found:
            if isinstance(each, ast.Constant) and isinstance(each.value, str | bytes):
                text = each.value if isinstance(each.value, str) else each.value.decode("latin-1")
                if text in words:
                    yield each.lineno, text


def _parts(node: ast.expr) -> Sequence[ast.AST]:
    return node.elts if isinstance(node, ast.Tuple | ast.Set | ast.List) else [node]


# Doors.


def outside_the_door(source: str, doors: frozenset[str], guarded: frozenset[str]) -> list[tuple[int, str]]:
    """Calls of `guarded` methods that do not stand in one of the functions `doors`, nor in one another."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name in doors | guarded:
            continue
        for call in ast.walk(node):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in guarded
            ):
                found.append((call.lineno, call.func.attr))
    return found


# Words and shapes that are ours.

DIALECT = {
    "a banner": re.compile(r"^\s*#\s*[-=]{3,}", re.MULTILINE),
    "expected …, came …": re.compile(r"expected [^\n]*, came\b"),
    "another label than Private": re.compile(
        r"^\s*# (private|PRIVATE|Private|Internals?|inside)$", re.MULTILINE
    ),
}


def dialects(source: str) -> list[str]:
    """What of another hand's habits stands in a text."""
    return [name for name, pattern in DIALECT.items() if pattern.search(source)]
