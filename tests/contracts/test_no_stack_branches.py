"""Stacks differ by config alone: no code depends on a stack's name."""

import ast
from pathlib import Path

import pytest

from program.stack_config import committed_stacks

ROOT = Path(__file__).resolve().parents[2]


def stack_name_branches(path: Path) -> list[str]:
    """Where code compares something with a stack's name, or the running stack's name."""
    tree = ast.parse(path.read_text())
    known = {*committed_stacks(), "dev", "development", "prod", "stage", "test"}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare | ast.Match | ast.Subscript | ast.Call | ast.Dict):
            continue
        if isinstance(node, ast.Call):
            function = node.func
            if not isinstance(function, ast.Attribute) or function.attr not in METHODS:
                continue
            parts: list[ast.expr] = [function.value, *node.args]
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            parts = [node.subject]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        else:
            parts = [key for key in node.keys if key is not None]
        if any(_is_stack(part, known) for part in parts):
            found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    return found


# Methods that test a text or look something up.
METHODS = ("startswith", "endswith", "get", "removeprefix", "removesuffix", "__contains__")


def _is_stack(part: ast.expr, known: set[str]) -> bool:
    for node in ast.walk(part):
        if isinstance(node, ast.Constant) and node.value in known:
            return True
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in ("stack", "get_stack"):
                return True
    return False


def test_no_code_depends_on_the_stacks_name():
    files = [ROOT / "__main__.py", *sorted((ROOT / "components").rglob("*.py"))]
    assert len(files) > 25
    assert [branch for path in files for branch in stack_name_branches(path)] == []


@pytest.mark.parametrize(
    "code",
    [
        'if settings.stack == "production": pass',
        "if name in ('staging', 'production'): pass",
        "match settings.stack:\n    case _: pass",
        "sizes = {'production': 3}[name]",
        "size = sizes.get(pulumi.get_stack())",
        "size = sizes[args.platform.stack]",
        "if settings.prefix.endswith('local'): pass",
    ],
)
def test_code_that_depends_on_the_name_would_be_found(code: str, tmp_path: Path):
    asking = tmp_path / "asking.py"
    asking.write_text(code)
    assert stack_name_branches(asking)
