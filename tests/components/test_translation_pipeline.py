import pytest

from components.translation_pipeline import TranslationPipeline
from program.engine import Engine
from tests.components import stack_parts

PREFIX = stack_parts.PREFIX
EXTERNAL = "arn:aws:lambda:us-east-1:210987654321:function:captions"


def run(external_function_arn: str = "") -> tuple[Engine, TranslationPipeline]:
    engine = Engine()
    made: list[TranslationPipeline] = []

    def program() -> None:
        store, api = stack_parts.store(), stack_parts.api()
        fan_out = stack_parts.fan_out(store, api)
        made.append(stack_parts.translation(store, api, fan_out, external_function_arn))

    engine.run(program)
    return engine, made[0]


def test_the_function_has_the_memory_and_time_its_work_needs():
    engine, _ = run()
    function = engine.of_type("lambda/function")["translation-function"].inputs
    assert function["name"] == f"{PREFIX}-translation"
    assert (function["memorySize"], function["timeout"]) == (512, 30)
    variables = function["environment"]["variables"]
    assert variables["LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT"] == "15"


def test_only_translate_text_has_a_wildcard_resource():
    engine, _ = run()
    statements = engine.statements(f"{PREFIX}-translation")
    starred = {sid: each["Action"] for sid, each in statements.items() if "*" in each["Resource"]}
    assert starred == {"TranslateText": ["translate:TranslateText"]}


def test_it_is_invoked_synchronously_so_its_failures_are_not_kept():
    engine, _ = run()
    configured = engine.of_type("lambda/functionEventInvokeConfig")
    assert not [name for name in configured if name.startswith("translation")]


def test_it_hands_pages_of_a_crowd_to_the_fan_out_and_invokes_nothing_else():
    engine, _ = run()
    function = engine.of_type("lambda/function")["translation-function"].inputs
    named = function["environment"]["variables"]["FAN_OUT_FUNCTION"]
    assert named == f"{PREFIX}-fan-out:live"
    invoking = engine.statements(f"{PREFIX}-translation")["InvokeFanOut"]
    assert invoking["Action"] == ["lambda:InvokeFunction"]
    assert all(f":{PREFIX}-fan-out" in each for each in invoking["Resource"])


def test_an_external_pipeline_makes_no_function_and_no_role():
    engine, pipeline = run(EXTERNAL)
    assert pipeline.functions == ()
    for typ in ("lambda/function", "iam/role", "cloudwatch/logGroup"):
        assert not [name for name in engine.of_type(typ) if name.startswith("translation")]


@pytest.mark.parametrize("external", ["", EXTERNAL])
def test_the_grant_to_invoke_is_about_one_function_alone(external: str):
    _, pipeline = run(external)
    grant = pipeline.invoking()
    (statement,) = grant.statements
    assert statement.actions == ("lambda:InvokeFunction",)
    # Its own function by alias and, for the release before, without one.
    assert len(statement.resources) == (1 if external else 2)
    assert set(grant.variables) == {"TRANSLATION_FUNCTION"}
