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
        made.append(stack_parts.translation(store, api, external_function_arn))

    engine.run(program)
    return engine, made[0]


def test_the_function_has_the_memory_and_time_its_work_needs():
    engine, _ = run()
    function = engine.only("lambda/function")
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
    assert engine.inputs("lambda/functionEventInvokeConfig") == []


def test_an_external_pipeline_makes_no_function_and_no_role():
    engine, pipeline = run(EXTERNAL)
    assert pipeline.functions == ()
    assert engine.inputs("lambda/function") == []
    assert engine.inputs("iam/role") == []
    assert engine.inputs("cloudwatch/logGroup") == []


@pytest.mark.parametrize("external", ["", EXTERNAL])
def test_the_grant_to_invoke_is_about_one_function_alone(external: str):
    _, pipeline = run(external)
    grant = pipeline.invoking()
    (statement,) = grant.statements
    assert statement.actions == ("lambda:InvokeFunction",)
    # Its own function by alias and, for the release before, without one.
    assert len(statement.resources) == (1 if external else 2)
    assert set(grant.variables) == {"TRANSLATION_FUNCTION"}
