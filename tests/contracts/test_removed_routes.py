"""One config key removes routes and changes nothing else; another one stops the ticks."""

import pytest

from contract.actions import ACTIONS, RETIRED_ACTIONS, ROUTED_ACTIONS
from program.engine import Engine
from tests.contracts.graph_difference import difference
from tests.contracts.program_runs import LEAN, run, run_afresh

ALARMED = {**LEAN, "alarms": True}
REFUSING = "integrations/api-routes-removed-action-5000ms-integration-id"


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


def refused(engine: Engine) -> set[str]:
    """The keys of the routes that refuse every message."""
    routes = engine.inputs("apigatewayv2/route")
    return {each["routeKey"] for each in routes if each["target"] == REFUSING}


@pytest.mark.parametrize("actions", removed_together(), ids="-".join)
def test_removed_routes_get_another_target_and_are_deployed(actions: list[str]):
    there, removed = run("staging", LEAN), run("staging", {**LEAN, "removedRoutes": actions})
    assert refused(removed.engine) == {*actions, *RETIRED_ACTIONS}
    found = difference(there.engine, removed.engine)
    routes = {
        name
        for name, each in removed.engine.of_type("apigatewayv2/route").items()
        if each.inputs["routeKey"] in actions
    }
    assert len(routes) == len(actions)
    assert found.changed == {
        **{route: {"target"} for route in routes},
        "api-stage-deployment": {"triggers"},
    }
    assert found.removed == found.added == set(), (
        "Pulumi deletes only after it has made the deployment, which would still have the route"
    )


def test_every_action_may_be_removed_and_no_other_route():
    removed = run("staging", {**LEAN, "removedRoutes": list(ROUTED_ACTIONS)}).engine
    keys = {each["routeKey"] for each in removed.inputs("apigatewayv2/route")}
    assert keys - refused(removed) == {"$connect", "$disconnect", "$default"}
    found = difference(run("staging", LEAN).engine, removed)
    assert found.removed == found.added == set()


def test_without_removed_routes_none_but_the_retired_ones_are_refused():
    assert refused(run("staging", LEAN).engine) == RETIRED_ACTIONS.keys()


def test_a_retired_action_keeps_everything_but_its_target(monkeypatch: pytest.MonkeyPatch):
    there = run("staging", LEAN).engine
    for table in (RETIRED_ACTIONS, ROUTED_ACTIONS):
        monkeypatch.setitem(table, "sendAudio", ACTIONS["sendAudio"])  # pyright: ignore[reportArgumentType]
    monkeypatch.delitem(ACTIONS, "sendAudio")  # pyright: ignore[reportArgumentType]
    retired = run_afresh("staging", LEAN, name="staging").engine
    assert refused(retired) == {"sendAudio"}
    found = difference(there, retired)
    assert found.removed == found.added == set()
    assert found.changed == {
        "api-routes-send-audio-route": {"target"},
        "api-stage-deployment": {"triggers"},
    }


def test_the_function_that_refuses_can_do_nothing_but_post():
    engine = run("staging", LEAN).engine
    statements = engine.statements("live-sessions-staging-removed-action")
    assert statements.keys() == {"WriteOwnLogs", "SendTraces", "PostToConnections"}


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
