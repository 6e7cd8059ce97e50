"""local/emulator/ministack_names.py lists what the local cloud uses of MiniStack; read, not run."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from local.emulator.ministack_names import NAMES
from local.emulator.process import PROJECT_ROOT

LOCAL = PROJECT_ROOT / "local"
TESTS = Path(__file__).parents[1]
[MINISTACK] = (PROJECT_ROOT / ".venv-emulator").glob("lib/python3*/site-packages/ministack")
# Private names of Python itself, of Hypercorn (tests/local/protocol/test_handshake.py and
# tests/local/emulator/test_process.py) and wsproto (tests/local/emulator/test_limits.py).
STANDARD = {"_exit", "_accept", "_read_data", "_proto"}
# Names of a worker, which belong to it and not to a module.
OF_A_WORKER = {each.name.partition(".")[2] for each in NAMES if "." in each.name}
LISTED = {(each.module, each.name) for each in NAMES if "." not in each.name}


def test_every_listed_name_is_in_the_pinned_version() -> None:
    missing = [each for each in NAMES if each.name not in defined_in(each.module)]
    assert missing == []


def test_every_listed_test_exists() -> None:
    missing = []
    for each in NAMES:
        file, _, function = each.test.partition("::")
        if f"def {function}(" not in (TESTS / file).read_text():
            missing.append(each.test)
    assert missing == []


def test_local_uses_exactly_the_listed_names() -> None:
    used = {name for path in LOCAL.rglob("*.py") for name in used_in(path)}
    assert used == LISTED


def test_what_runs_inside_ministack_uses_no_other_private_name() -> None:
    """Such as `worker._proc`, which no import shows."""
    listed = {name.rpartition(".")[2] for _, name in LISTED} | OF_A_WORKER | STANDARD
    for path in (LOCAL / "emulator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_own(node.value):
                assert node.attr in listed, f"{path}:{node.lineno}: {node.attr}"


def used_in(path: Path) -> Iterator[tuple[str, str]]:
    """The names that a file imports from MiniStack, or takes from a module of it."""
    tree = ast.parse(path.read_text())
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if source_of(inner).exists():
                    modules[alias.asname or alias.name] = inner
                else:
                    yield node.module or "", alias.name
        elif isinstance(node, ast.Import):
            modules |= {a.name: a.name for a in node.names if a.name.startswith("ministack")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
            yield modules[ast.unparse(node.value)], node.attr


@cache
def defined_in(module: str) -> set[str]:
    """A module's functions, classes and variables, and `Class.name` of each class's members."""
    names: set[str] = set()
    for node in ast.parse(source_of(module).read_text()).body:
        names |= bound_by(node)
        if isinstance(node, ast.ClassDef):
            members = {name for each in node.body for name in bound_by(each)}
            for inner in ast.walk(node):
                if isinstance(inner, ast.Attribute) and is_own(inner.value):
                    members.add(inner.attr)
            names |= {f"{node.name}.{member}" for member in members}
        if isinstance(node, ast.If | ast.Try):
            names |= {name for each in ast.walk(node) for name in bound_by(each)}
    return names


def bound_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def source_of(module: str) -> Path:
    return MINISTACK.parent / f"{module.replace('.', '/')}.py"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def is_own(value: ast.expr) -> bool:
    """Whether it is the object or class itself."""
    return isinstance(value, ast.Name) and value.id in ("self", "cls")
