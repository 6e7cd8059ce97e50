"""The local cloud's functions reach the stand-ins through AWS's own variables, as their roles."""

import pytest

from local.cloud import LocalCloud
from tests.local.permissions import without_statement
from tests.local.test_borrowed_roles import denials_since, run_as


@pytest.fixture
def unguarded(shared_cloud: LocalCloud) -> LocalCloud:
    return shared_cloud


def test_a_function_without_the_permission_is_denied_at_the_stand_in(
    unguarded: LocalCloud,
) -> None:
    before = len(unguarded.denials())
    call = "Text='x', SourceLanguageCode='en', TargetLanguageCode='es'"
    answer = run_as(unguarded, "heartbeat", f"boto3.client('translate').translate_text({call})")
    assert "AccessDenied" in answer
    role = unguarded.outputs["functionNames"]["heartbeat"]
    assert denials_since(unguarded, before) == [(role, "translate:TranslateText")]


def test_functions_know_both_endpoints(unguarded: LocalCloud) -> None:
    read = "import os; raise ValueError(dict(os.environ))"
    seen = run_as(unguarded, "heartbeat", read)
    for name, url in unguarded.speech.environment.items():
        assert name in seen
        assert url in seen


def test_the_role_of_translation_may_translate_and_needs_its_statement(
    unguarded: LocalCloud,
) -> None:
    call = "Text='x', SourceLanguageCode='en', TargetLanguageCode='fr'"
    statement = f"boto3.client('translate').translate_text({call})"
    assert run_as(unguarded, "translation", statement) == '"done"'
    with without_statement(unguarded, "translation", "TranslateText"):
        assert "AccessDenied" in run_as(unguarded, "translation", statement)
