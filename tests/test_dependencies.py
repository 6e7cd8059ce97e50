"""Which package may import which, and which single module reads config or the environment."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENTRY_MODULES = {path.stem for path in (ROOT / "handlers").glob("*.py")}
HANDLER_CODE = {"handlers", "live_sessions", *ENTRY_MODULES}
OURS = {
    *("client", "components", "contract", "local", "operations", "program", "tests"),
    *HANDLER_CODE,
}

FORBIDDEN: Mapping[str, set[str]] = {
    "contract": OURS - {"contract"} | {"pulumi", "pulumi_aws", "boto3", "botocore"},
    "handlers": OURS - HANDLER_CODE - {"contract"} | {"pulumi", "pulumi_aws"},
    "components": OURS - {"components", "contract"},
    "client": OURS - {"client", "contract"},
    "program": OURS - {"program", "components", "contract"},
    "operations": HANDLER_CODE | {"local", "tests"},
    # The types of messages and frames are what it is about.
    "operations/protocol": OURS - {"operations", "contract", "live_sessions"},
    "local": {"operations", "tests"},
}


def modules_in(folder: str) -> list[Path]:
    """The modules of a folder, without those of a folder within it that has rules of its own."""
    others = [ROOT / each for each in FORBIDDEN if each.startswith(f"{folder}/")]
    return [
        path
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not any(path.is_relative_to(other) for other in others)
    ]


def imported(source: str) -> set[str]:
    """The top-level packages that a module imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found.update(each.name.partition(".")[0] for each in names)
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case _:
                pass
    return found


def reads(source: str, module: str, *names: str) -> bool:
    """Whether the source uses one of the module's names, as `os.environ` or `from os import …`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                if owner == module and name in names:
                    return True
            case ast.ImportFrom(module=owner, names=aliases) if owner == module:
                if any(each.name in names for each in aliases):
                    return True
            case _:
                pass
    return False


def readers(folders: tuple[str, ...], module: str, *names: str) -> Iterator[str]:
    paths = [path for folder in folders for path in modules_in(folder)]
    for path in (*paths, ROOT / "__main__.py"):
        if reads(path.read_text(), module, *names):
            yield str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_package_imports_only_what_it_may(folder: str) -> None:
    modules = modules_in(folder)
    assert modules, f"{folder}/ has moved: name its new place here"
    found = {
        str(path.relative_to(ROOT)): wrong
        for path in modules
        if (wrong := imported(path.read_text()) & FORBIDDEN[folder])
    }
    assert found == {}


def test_the_protocols_generator_imports_the_wire_and_no_other_code_of_functions() -> None:
    """The rest needs the environment of a function."""
    found = {
        node.module
        for path in modules_in("operations/protocol")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    }
    of_functions = {each for each in found if each.partition(".")[0] == "live_sessions"}
    assert of_functions
    assert all(f"{each}.".startswith("live_sessions.wire.") for each in of_functions)


def test_modules_of_a_folder_with_rules_of_its_own_are_not_judged_by_those_around_it() -> None:
    generator = ROOT / "operations/protocol/protocol.py"
    assert generator in modules_in("operations/protocol")
    assert generator not in modules_in("operations")
    assert ROOT / "operations/plan/recorder.py" in modules_in("operations")


def test_exactly_one_module_reads_pulumi_config() -> None:
    folders = ("contract", "components", "program", "operations", "local", "client")
    assert len(found := list(readers(folders, "pulumi", "Config"))) == 1, found


def test_exactly_one_module_of_the_handlers_reads_the_environment() -> None:
    found = list(readers(("handlers", "contract"), "os", "environ", "environb", "getenv"))
    assert len(found) == 1, found


@pytest.mark.parametrize(
    "source",
    [
        "import local.cloud",
        "from local import cloud",
        "from local.cloud import LocalCloud",
        "def later():\n    import local.cloud as cloud",
    ],
)
def test_each_form_of_an_import_is_seen(source: str) -> None:
    assert imported(source) == {"local"}


def test_an_import_inside_the_package_or_of_a_like_named_module_is_not_mistaken() -> None:
    assert imported("from . import local\nfrom locality import local") == {"locality"}


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "from os import getenv"])
def test_each_form_of_reading_the_environment_is_seen(source: str) -> None:
    assert reads(source, "os", "environ", "getenv")
    assert not reads("import os\nos.path\nother.environ", "os", "environ", "getenv")
