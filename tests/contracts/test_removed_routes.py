"""One config key takes a route off the API, and nothing else; another one stops the ticks."""

import re

import pytest

from components.settings.stack_settings import REMOVABLE_ROUTES
from live_sessions.protocol import ACTIONS
from tests.contracts.graph_difference import difference
from tests.contracts.program_runs import LEAN, run
from tests.contracts.route_table import ROUTES, SILENT

ALARMED = {**LEAN, "alarms": True}
# One of each function and timeout; test_deployments.py removes each single one from an API.
ONE_OF_EACH = [
    next(key for key in keys.split() if key in ACTIONS)
    for routes in ROUTES.values()
    for keys in routes.values()
    if set(keys.split()) & set(ACTIONS)
]


def test_each_action_may_be_removed_and_no_other_route():
    assert set(REMOVABLE_ROUTES) == set(ACTIONS)
    assert len(REMOVABLE_ROUTES) == len(ACTIONS)


def resources_of(action: str) -> set[str]:
    """What is there for this route alone."""
    label = re.sub(r"([A-Z])", r"-\1", action).lower()
    found = {f"api-routes-{label}-route"}
    if action not in SILENT:
        found.add(f"api-routes-{label}-response")
    for function, routes in ROUTES.items():
        for timeout_milliseconds, keys in routes.items():
            if keys.split() == [action]:
                found.add(f"api-routes-{function}-{timeout_milliseconds}ms-integration")
        if " ".join(routes.values()).split() == [action]:
            found.add(f"api-routes-{function}-permission")
    return found


@pytest.mark.parametrize("action", ONE_OF_EACH)
def test_a_removed_route_takes_only_what_is_its_own_and_is_deployed(action: str):
    removed = run("staging", {**LEAN, "removedRoutes": [action]})
    found = difference(run("staging", LEAN).engine, removed.engine)
    assert found.removed == resources_of(action)
    assert found.added == set()
    assert found.changed == {"api-stage-deployment": {"triggers"}}


def test_every_action_may_be_removed():
    removed = run("staging", {**LEAN, "removedRoutes": list(REMOVABLE_ROUTES)}).engine
    keys = {each["routeKey"] for each in removed.inputs("apigatewayv2/route")}
    assert keys == {"$connect", "$disconnect", "$default"}
    found = difference(run("staging", LEAN).engine, removed)
    assert found.removed > {name for action in REMOVABLE_ROUTES for name in resources_of(action)}
    assert found.changed == {"api-stage-deployment": {"triggers"}}


def test_the_rule_of_the_periodic_status_alone_is_disabled():
    before, after = (
        run("staging", {**ALARMED, "periodicStatus": on}).engine for on in (True, False)
    )
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
    }, "there would be alarms about ticks that are not to come"
    assert found.added == set()
