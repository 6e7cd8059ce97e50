"""`make plan` on a small program in a separate git repository."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.plan.__main__ import main
from operations.plan.checkout import Checkout
from operations.plan.recording import PlanError
from tests.operations.plan import trees

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The small program, committed as `base`."""
    root = trees.write_small_tree(tmp_path / "tree")
    trees.commit(root, "base")
    return root


@pytest.fixture
def plan(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the command; return exit status, stdout and stderr. No run may leave a temporary file."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments, root=tree)
        assert list(temporary.iterdir()) == []
        printed = capsys.readouterr()
        assert str(tmp_path) not in printed.out + printed.err
        return status, printed.out, printed.err

    return run


def test_the_tree_shows_components_resources_and_outputs(plan: Run):
    status, out, err = plan()
    assert (status, err) == (0, "")
    assert out.splitlines()[:6] == [
        "one: 2 resources in 1 component",
        "  cloudwatch.EventRule rule: one-5",
        "  Post post (1)",
        "    sqs.Queue post-queue: letters",
        "  outputs: rule",
        "",
    ]
    assert out.splitlines()[6].startswith("Total: 2 resources in 1 stack.")


def test_two_runs_print_the_same(plan: Run):
    assert plan() == plan()


def test_json_has_the_complete_inputs(plan: Run):
    _, out, _ = plan("--json")
    (stack,) = json.loads(out)["stacks"]
    assert (stack["stack"], stack["outputs"]) == ("one", ["rule"])
    rule, queue = stack["resources"]
    assert (rule["components"], rule["inputs"]) == ([], {"name": "one-5"})
    assert (queue["components"], queue["inputs"]) == (["Post post"], {"name": "letters"})


def test_there_is_no_difference_from_the_same_revision(plan: Run):
    status, out, _ = plan("--against", "base")
    first, _, last = out.strip().splitlines()
    assert (status, first) == (0, "one: 0 added, 0 removed, 0 changed, 2 same")
    assert last.startswith("Total against base (")
    assert "): 0 added, 0 removed, 0 changed, 2 same." in last


def test_each_side_runs_with_its_own_packages_and_config(plan: Run, tree: Path):
    trees.change(tree / "components" / "words.py", "letters", "parcels")
    trees.change(tree / "Pulumi.one.yaml", "5", "6")
    status, out, _ = plan("--against", "base")
    assert status == 0
    assert out.splitlines()[:6] == [
        "one: 0 added, 0 removed, 2 changed, 0 same",
        "~ cloudwatch.EventRule rule (replaced)",
        '      name: "one-5" -> "one-6"',
        "  Post post",
        "~   sqs.Queue post-queue (replaced)",
        '        name: "letters" -> "parcels"',
    ]


def test_a_config_key_may_exist_on_one_side_only(plan: Run, tree: Path):
    trees.change(tree / "Pulumi.yaml", "  size:", "  breadth:")
    trees.change(tree / "Pulumi.one.yaml", "size", "breadth")
    trees.change(tree / "__main__.py", "require('size')", "require('breadth')")
    status, out, err = plan("--against", "base")
    assert (status, err) == (0, "")
    assert out.startswith("one: 0 added, 0 removed, 0 changed, 2 same\n")


def test_a_setting_can_be_tried_against_the_same_revision(plan: Run):
    status, out, _ = plan("--against", "base", "--config", "size=7")
    assert status == 0
    assert 'name: "one-5" -> "one-7"' in out
    status, out, err = plan("--config", "sice=7")
    assert (status, out) == (2, "")
    assert "--config sice: Pulumi.yaml has no such key; the closest one: size." in err
    status, _, err = plan("--config", "size")
    assert status == 2
    assert "--config size: must be KEY=VALUE" in err


def test_a_stack_that_only_one_side_has_is_shown_completely(plan: Run, tree: Path):
    (tree / "Pulumi.one.yaml").rename(tree / "Pulumi.two.yaml")
    status, out, _ = plan("--against", "base")
    assert status == 0
    one, two, _ = out.split("\n\n")
    assert one.splitlines() == [
        "one: 0 added, 2 removed, 0 changed, 0 same",
        "- cloudwatch.EventRule rule: one-5",
        "- output rule",
        "- Post post",
        "-   sqs.Queue post-queue: letters",
    ]
    assert two.splitlines()[0] == "two: 2 added, 0 removed, 0 changed, 0 same"
    assert {line[0] for line in two.splitlines()[1:]} == {"+"}


def test_markdown_folds_each_stack_into_a_coloured_diff(plan: Run, tree: Path):
    trees.change(tree / "components" / "words.py", "letters", "```")
    _, out, _ = plan("--against", "base", "--markdown")
    assert out.startswith(
        "<details><summary>one: 0 added, 0 removed, 1 changed, 1 same</summary>\n\n````diff\n"
    )
    assert "\n!   sqs.Queue post-queue" in out
    assert "\n````\n\n</details>\n\nTotal against base" in out


def test_an_unknown_resource_type_is_planned_without_its_secrets(plan: Run, tree: Path):
    with (tree / "__main__.py").open("a") as program:
        program.write(
            'thing = {"code": pulumi.Output.secret("hunter2"), "arn": None, "loud": "yes"}\n'
            'thing = pulumi.CustomResource("aws:fancy/thing:Thing", "new", thing)\n'
            'pulumi.runtime.invoke("aws:fancy/getThing:getThing", {})\n'
        )
    status, out, err = plan("--against", "base", "--json")
    assert (status, err) == (0, "")
    (stack,) = json.loads(out)["stacks"]
    (added,) = stack["added"]
    assert (added["type"], added["name"]) == ("aws:fancy/thing:Thing", "new")
    assert added["inputs"] == {"code": "[secret]", "loud": "yes"}
    assert "hunter2" not in out


def test_an_unknown_revision_is_reported(plan: Run):
    status, out, err = plan("--against", "nowhere")
    assert (status, out) == (2, "")
    assert err.startswith("plan: --against nowhere: git finds no such revision.")


def test_a_revision_without_a_program_is_reported(plan: Run, tree: Path):
    trees.git(tree, "rm", "--quiet", "--cached", "__main__.py")
    trees.git(tree, "commit", "--quiet", "--message", "no program")
    status, out, err = plan("--against", "HEAD")
    assert (status, out) == (2, "")
    assert "has no __main__.py, so there is no program to plan" in err


def test_an_unknown_stack_is_reported_with_the_known_ones(plan: Run):
    status, _, err = plan("--stack", "three")
    assert status == 2
    assert err == "plan: --stack three: there is no Pulumi.three.yaml; the stacks are one.\n"


def test_an_older_program_that_fails_is_reported_with_its_revision(plan: Run, tree: Path):
    (tree / "__main__.py").write_text("raise RuntimeError('worn out')\n")
    trees.commit(tree, "broken")
    (tree / "__main__.py").write_text(trees.SMALL_PROGRAM)
    status, out, err = plan("--against", "broken")
    assert (status, out) == (2, "")
    assert err.startswith("plan: broken (")
    assert err.endswith("), stack one: RuntimeError: worn out (__main__.py, line 1)\n")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("raise KeyError('x')", "KeyError: 'x' (__main__.py, line 1)"),
        ("import components.gone", "No module named 'components.gone' (__main__.py, line 1)"),
        ("this is no Python", "SyntaxError: invalid syntax (__main__.py, line 1)"),
        ("raise SystemExit('enough')", "SystemExit: enough (__main__.py, line 1)"),
        (
            "import pulumi; pulumi.Config().require('depth')",
            "Missing required configuration variable 'small:depth'",
        ),
    ],
)
def test_a_failing_program_is_reported_with_the_line(tree: Path, broken: str, message: str):
    (tree / "__main__.py").write_text(f"{broken}\n")
    with pytest.raises(PlanError) as error:
        Checkout(tree, "old").record(["one"], preview=False)
    assert str(error.value).startswith("old, stack one: ")
    assert message in str(error.value)
    assert str(tree) not in str(error.value)


def test_a_malformed_config_is_reported_with_its_file(plan: Run, tree: Path):
    (tree / "Pulumi.one.yaml").write_text("config: 3\n")
    status, _, err = plan("--against", "base")
    assert status == 2
    assert "the working tree, stack one: Pulumi.one.yaml, line 1: config must be" in err


def test_a_program_that_fails_in_a_first_preview_has_no_plan(plan: Run, tree: Path):
    with (tree / "__main__.py").open("a") as program:
        program.write(
            "if pulumi.runtime.is_dry_run():\n    raise ValueError('the ARN is not known')\n"
        )
    status, out, err = plan()
    assert (status, out) == (2, "")
    assert "runs, but fails in a first preview" in err
    assert "ValueError: the ARN is not known (__main__.py, line 21)" in err
