"""`make plan` on this program: every stack, and the effect of single changes."""

import re
from pathlib import Path

import pytest

from operations.plan.__main__ import difference
from operations.plan.checkout import Checkout
from operations.plan.comparison import Comparison
from operations.plan.recorder import recording
from operations.plan.report import Difference, comparison_lines, plan_lines, text
from program.stack_config import committed_stacks
from tests.contracts.program_runs import LEAN, run
from tests.operations.plan import trees

COMPONENTS = Path("components")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This program with a staging of few resources, committed as `before`."""
    root = trees.copy_this_tree(tmp_path_factory.mktemp("tree"), {"staging": LEAN})
    trees.commit(root, "before")
    return root


@pytest.fixture(scope="module")
def one_route_more(repository: Path) -> Difference:
    """The difference from that commit to one with an additional route."""
    root = repository
    trees.change(
        root / COMPONENTS / "session_api" / "routes.py",
        "Route(key=DEFAULT, function=connecting),",
        'Route(key=DEFAULT, function=connecting), Route(key="applaud", function=connecting),',
    )
    trees.commit(root, "after")
    return difference(Checkout(root, "the working tree"), "before", ["staging"], {})


@pytest.mark.parametrize("stack", committed_stacks())
def test_every_committed_stack_has_a_plan(stack: str):
    # tests/program checks that each also has a first preview.
    made = run(stack)
    lines = [line.strip() for line in plan_lines(recording(stack, made.engine, made.outputs))]
    function = f"lambda.Function fan-out-function: live-sessions-{stack}-fan-out, runtime "
    assert any(line.startswith(function) for line in lines)
    assert lines[-1].startswith("outputs: ")
    assert str(trees.HERE) not in "".join(lines)


def test_an_added_route_adds_its_response_and_replaces_only_the_deployment(
    one_route_more: Difference,
):
    (comparison,) = one_route_more.comparisons
    same = len(comparison.old.made) - 1
    lines = text(one_route_more).splitlines()
    assert lines[:7] == [
        f"staging: 2 added, 0 removed, 1 changed, {same} same",
        "  SessionApi api",
        "    ApiRoutes api-routes",
        "+     apigatewayv2.Route api-routes-applaud-route: applaud, authorizationType NONE,"
        " routeResponseSelectionExpression $default",
        "+     apigatewayv2.RouteResponse api-routes-applaud-response: $default",
        "    ApiStage api-stage",
        "~     apigatewayv2.Deployment api-stage-deployment (replaced)",
    ]
    assert re.fullmatch(r' {10}triggers\.snapshot: "\w{12}…" -> "\w{12}…"', lines[7])
    assert lines[8] == ""
    assert lines[9].startswith("Total against before (")
    assert len(lines) == 10


def test_a_removed_route_shows_the_reverse(one_route_more: Difference):
    (there,) = one_route_more.comparisons
    back = Comparison(there.new, there.old)
    assert back.added == []
    assert [each.name for each in back.removed] == [each.name for each in there.added]
    assert [each.title for each in back.removed] == [
        "apigatewayv2.Route api-routes-applaud-route",
        "apigatewayv2.RouteResponse api-routes-applaud-response",
    ]
    (deployment,) = back.changed
    assert [each.path for each in deployment.changes] == ["triggers.snapshot"]


def test_a_changed_permission_and_changed_code_are_shown_only_where_they_are(
    one_route_more: Difference, repository: Path, tmp_path: Path
):
    root = tmp_path / "clone"
    trees.git(repository, "clone", "--quiet", "--branch=before", str(repository), str(root))
    (root / ".build").symlink_to(repository / ".build", target_is_directory=True)
    trees.change(
        root / COMPONENTS / "session_lifecycle" / "lifecycle.py",
        '"ReadConnections", "GetItem"',
        '"ReadConnections", "Query"',
    )
    for file in ("handlers/fan_out.py", "handlers/live_sessions/aws/runtime.py"):
        with (root / file).open("a") as code:
            code.write("# one more line\n")
    recorded = Checkout(root, "the working tree").record(["staging"], preview=False)
    comparison = Comparison(one_route_more.comparisons[0].old, recorded["staging"])
    assert (comparison.added, comparison.removed) == ([], [])
    assert [line.strip("~ ") for line in comparison_lines(comparison)[1:]] == [
        "FunctionLayers layers",
        "lambda.LayerVersion layers-shared (replaced)",
        "code changed: ~ python/live_sessions/aws/runtime.py",
        "ListenerFanOut fan-out",
        "HandlerFunction fan-out",
        "lambda.Function fan-out-function (updated)",
        "code changed: ~ fan_out.py",
        "SessionLifecycle lifecycle",
        "HandlerFunction heartbeat",
        "iam.RolePolicy heartbeat-policy (updated)",
        'policy.Statement[ReadConnections].Action: - "dynamodb:GetItem"',
        'policy.Statement[ReadConnections].Action: + "dynamodb:Query"',
    ]
