"""One config key removes routes from the API and nothing else; another one stops the ticks."""

import re

import pytest

from contract.actions import ACTIONS, Action, answered_by
from tests.contracts.graph_difference import difference
from tests.contracts.program_runs import LEAN, run


def removed_together() -> list[list[str]]:
    """One action of each function and timeout, those of one function apart, to need few runs.

    test_deployments.py removes every action from an API, alone.
    """
    one_of_each = {(each.function, each.timeout_seconds): each for each in ACTIONS.values()}
    lists: list[dict[str, str]] = []
    for action in one_of_each.values():
        fitting = next((each for each in lists if action.function not in each), None)
        if fitting is None:
            lists.append(fitting := {})
        fitting[action.function] = action.name
    return [[*each.values()] for each in lists]


def resources_of(action: Action) -> set[str]:
    """The resources of this action alone."""
    label = re.sub(r"([A-Z])", r"-\1", action.name).lower()
    function = action.function.replace("_", "-")
    found = {f"api-routes-{label}-route"}
    if action.reply is not None:
        found.add(f"api-routes-{label}-response")
    beside = [each for each in answered_by(action.function) if each is not action]
    # The connection function answers $connect and $default, too, within the longest timeout.
    if action.function != "connection":
        if not beside:
            found |= {f"api-routes-{function}-{each}" for each in ("permission", "live-permission")}
        if action.timeout_seconds not in {each.timeout_seconds for each in beside}:
            found.add(f"api-routes-{function}-{1_000 * action.timeout_seconds}ms-integration")
    return found


@pytest.mark.parametrize("actions", removed_together(), ids="-".join)
def test_removed_routes_take_their_own_resources_alone_and_are_deployed(actions: list[str]):
    removed = run("staging", {**LEAN, "removedRoutes": actions})
    found = difference(run("staging", LEAN).engine, removed.engine)
    assert found.removed == {name for each in actions for name in resources_of(ACTIONS[each])}
    assert found.added == set()
    assert found.changed == {"api-stage-deployment": {"triggers"}}


def test_every_action_may_be_removed_and_no_other_route():
    removed = run("staging", {**LEAN, "removedRoutes": list(ACTIONS)}).engine
    keys = {each["routeKey"] for each in removed.inputs("apigatewayv2/route")}
    assert keys == {"$connect", "$disconnect", "$default"}
    found = difference(run("staging", LEAN).engine, removed)
    assert found.removed > {name for each in ACTIONS.values() for name in resources_of(each)}
    assert found.changed == {"api-stage-deployment": {"triggers"}}


def test_the_rule_of_the_periodic_status_alone_is_disabled():
    before = run("staging").engine
    after = run("staging", {"periodicStatus": False}).engine
    found = difference(before, after)
    assert found.changed == {"status-ticks-schedule-rule": {"state"}}
    assert after.of_type("cloudwatch/eventRule")["status-ticks-schedule-rule"].inputs["state"] == (
        "DISABLED"
    )
    assert found.removed == {
        "monitoring-status-ticks-missed-alarm",
        "monitoring-status-ticks-late-alarm",
        "monitoring-status-pushes-failed-alarm",
        "monitoring-status-pushes-out-of-time-alarm",
        "monitoring-status-shards-refused-alarm",
    }, "there would be alarms on ticks that never come"
    assert found.added == set()
