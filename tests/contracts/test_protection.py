"""What cannot be restored after a mistake is protected, where config says so."""

import pytest

from contract.tables import CAPTIONS, TABLES
from program.engine import Registered
from tests.contracts.program_runs import LEAN, ProgramRun, run, run_named

KEPT = ("dynamodb/table", "cognito/userPool", "cognito/userPoolClient", "s3/bucket")


def kept(stack: ProgramRun) -> list[Registered]:
    return [each for typ in KEPT for each in stack.engine.of_type(typ).values()]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_tables_and_user_pool_survive_a_mistake(name: str):
    stack = run_named(name)
    assert len(kept(stack)) == len(TABLES) + 1 + 1
    for each in kept(stack):
        assert each.protect, f"{each.name}: pulumi destroy would delete it"
        assert each.retain_on_delete, f"{each.name}: taken out of the program it would be deleted"
    for table in stack.engine.inputs("dynamodb/table"):
        assert table["deletionProtectionEnabled"] is True
        is_speech = table["name"].endswith(f"-{CAPTIONS.name}")
        assert table["pointInTimeRecovery"]["enabled"] is not is_speech
    assert stack.engine.only("cognito/userPool")["deletionProtection"] == "ACTIVE"


@pytest.mark.parametrize("is_protected", [True, False])
def test_transcripts_survive_a_mistake_where_tables_do(is_protected: bool):
    config = {**LEAN, "transcripts": True, "deletionProtection": is_protected}
    stack = run("staging", config)
    (bucket,) = stack.engine.of_type("s3/bucket").values()
    assert (bucket.protect, bucket.retain_on_delete) == (is_protected, is_protected)
    assert bucket.inputs["forceDestroy"] is not is_protected


@pytest.mark.parametrize("is_protected", [True, False])
def test_the_pages_can_be_built_again_so_their_bucket_is_not_protected(is_protected: bool):
    config = {**LEAN, "webPages": True, "deletionProtection": is_protected}
    (bucket,) = run("staging", config).engine.of_type("s3/bucket").values()
    assert (bucket.protect, bucket.retain_on_delete) == (False, False)
    assert bucket.inputs["forceDestroy"] is True


def test_the_local_cloud_leaves_nothing_behind():
    stack = run_named("local")
    assert len(kept(stack)) == len(TABLES) + 1 + 1 + 1
    assert not [each.name for each in stack.engine.registered if each.protect]
    assert not [each.name for each in stack.engine.registered if each.retain_on_delete]
    for table in stack.engine.inputs("dynamodb/table"):
        assert table["deletionProtectionEnabled"] is False
        assert table["pointInTimeRecovery"]["enabled"] is False
    assert stack.engine.only("cognito/userPool")["deletionProtection"] == "INACTIVE"


def test_nothing_else_is_kept_after_destroy_but_the_accounts_logging_role(stack: ProgramRun):
    staying = {each.name for each in stack.engine.registered if each.retain_on_delete}
    shared = {"api-access-role", "api-access-role-policy", "api-access-account"}
    # They go with their bucket, which is deleted with all that is in it.
    staying = {name for name in staying if not name.startswith("pages-assets/")}
    assert staying - {each.name for each in kept(stack)} <= shared
    protected = {each.name for each in stack.engine.registered if each.protect}
    assert protected <= {each.name for each in kept(stack)}
