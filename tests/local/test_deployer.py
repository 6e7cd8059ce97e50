from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, rpc

from components.layers import host_architecture
from contract.functions import LIVE
from local.cloud import LocalCloud
from local.deployer import Deployer, DeployError, Ledger
from local.deployer.archives import archive_bytes
from local.deployer.deployer import KINDS
from program.inputs import plain
from program.run import run_program
from program.stack_config import host_runtime, stack_config

TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
ALIAS = "aws:lambda/alias:Alias"
FUNCTION = "aws:lambda/function:Function"
RULE = "aws:cloudwatch/eventRule:EventRule"


class Recorder(pulumi.runtime.Mocks):
    """Mocks that create nothing and note the type of everything."""

    def __init__(self) -> None:
        self.types: set[str] = set()

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.custom and not args.typ.startswith("pulumi:"):
            self.types.add(args.typ)
        arn = f"arn:aws:service:us-east-1:000000000000:{args.name}"
        made = {"arn": arn, "invokeArn": arn, "url": "https://queue", "apiEndpoint": "wss://api"}
        made["domainName"] = "d123.cloudfront.net"
        return f"{args.name}-id", {**made, "executionArn": arn, **args.inputs}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {"accountId": "000000000000", "arn": "arn:aws:iam::000000000000:root"}, []


@pytest.fixture
def deployer(shared_cloud: LocalCloud) -> Deployer:
    return Deployer(shared_cloud.account, Ledger())


def deploy(
    deployer: Deployer, token: str, name: str, inputs: dict[str, Any], provider: str = ""
) -> tuple[str | None, dict[str, Any]]:
    return deployer.new_resource(
        MockResourceArgs(typ=token, name=name, inputs=inputs, provider=provider, custom=True)
    )


def function_inputs(cloud: LocalCloud, name: str, answer: str) -> dict[str, Any]:
    role = cloud.client("iam").get_role(RoleName=cloud.outputs["functionNames"]["heartbeat"])
    code = f"def handler(event, context):\n    return {answer!r}\n"
    return {
        "name": name,
        "role": role["Role"]["Arn"],
        "runtime": host_runtime(),
        "handler": "answer.handler",
        "code": pulumi.AssetArchive({"answer.py": pulumi.StringAsset(code)}),
        "timeout": 5.0,
    }


def test_every_type_of_the_program_is_known() -> None:
    recorder = Recorder()
    host = {
        "lambdaRuntime": host_runtime(),
        "lambdaArchitecture": host_architecture(),
        "accessLogs": True,
        "manageApiGatewayAccount": True,
        "transcripts": True,
        "webPages": True,
    }
    run_program(recorder, stack="local", config=stack_config("local", host))
    assert recorder.types
    assert recorder.types <= KINDS.keys(), "local/deployer/ lacks these"


def test_an_unknown_type_is_named_with_its_resource_and_where_to_add_it(
    deployer: Deployer,
) -> None:
    with pytest.raises(DeployError, match=r"aws:ec2/vpc:Vpc.*'films'.*local/deployer/"):
        deploy(deployer, "aws:ec2/vpc:Vpc", "films", {})


def test_an_input_that_the_api_does_not_know_is_an_error(deployer: Deployer) -> None:
    with pytest.raises(DeployError, match="Levitate"):
        deploy(deployer, FUNCTION, "odd", {"name": "odd", "code": _archive(), "levitate": True})


def test_a_refusal_by_the_api_names_the_resource(deployer: Deployer) -> None:
    inputs = {"name": "no-keys", "hashKey": "id", "attributes": []}
    with pytest.raises(DeployError, match=r"Table 'no-keys' was not created: \w+: .*"):
        deploy(deployer, TABLE, "no-keys", {**inputs, "billingMode": "PAY_PER_REQUEST"})


def test_an_unknown_data_source_is_an_error(deployer: Deployer) -> None:
    with pytest.raises(DeployError, match="getAmi"):
        deployer.call(MockCallArgs(token="aws:ec2/getAmi:getAmi", args={}, provider=""))


def test_adopting_an_existing_resource_is_an_error(deployer: Deployer) -> None:
    args = MockResourceArgs(typ=QUEUE, name="old", inputs={}, resource_id="https://queue")
    with pytest.raises(DeployError, match="adopts the existing"):
        deployer.new_resource(args)


def test_declaring_a_resource_twice_is_an_error(deployer: Deployer) -> None:
    deploy(deployer, QUEUE, "twice", {"name": "declared-twice"})
    with pytest.raises(DeployError, match="twice"):
        deploy(deployer, QUEUE, "twice", {"name": "declared-twice"})


def test_components_and_providers_pass_through(deployer: Deployer) -> None:
    args = MockResourceArgs(typ="live-sessions:api:Api", name="api", inputs={"a": 1}, custom=False)
    assert deployer.new_resource(args) == ("", {"a": 1})
    assert deploy(deployer, "pulumi:providers:aws", "aws", {})[0]
    assert deployer.changed == []


def test_the_providers_default_tags_are_on_what_it_makes(
    deployer: Deployer, shared_cloud: LocalCloud
) -> None:
    deploy(deployer, "pulumi:providers:aws", "tagging", {"defaultTags": '{"tags": {"Team": "a"}}'})
    url, outputs = deploy(
        deployer,
        QUEUE,
        "tagged",
        {"name": "tagged", "tags": {"Own": "b"}},
        provider="urn:pulumi:local::live-sessions::pulumi:providers:aws::tagging::tagging",
    )
    tags = shared_cloud.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]
    assert tags == outputs["tagsAll"] == {"Team": "a", "Own": "b"}


def test_secrets_are_unwrapped_and_whole_numbers_are_integers() -> None:
    value = {"secret": rpc.wrap_rpc_secret({"count": 3.0}), "share": [0.5, True, "3.0"]}
    assert plain(value) == {"secret": {"count": 3}, "share": [0.5, True, "3.0"]}
    assert isinstance(plain(3.0), int)


def test_an_unchanged_resource_is_left_alone(shared_cloud: LocalCloud) -> None:
    ledger = Ledger()
    first, second = (Deployer(shared_cloud.account, ledger) for _ in range(2))
    inputs = function_inputs(shared_cloud, "left-alone", "same")
    created = deploy(first, FUNCTION, "left-alone", inputs)[1]
    again = deploy(second, FUNCTION, "left-alone", inputs)[1]
    assert again["lastModified"] == created["lastModified"]
    assert [resource.name for resource in first.changed] == ["left-alone"]
    assert second.changed == []


def test_changed_code_updates_the_function_in_place(shared_cloud: LocalCloud) -> None:
    ledger = Ledger()
    for answer in ("first", "second"):
        deployer = Deployer(shared_cloud.account, ledger)
        deploy(deployer, FUNCTION, "changed", function_inputs(shared_cloud, "changed", answer))
        payload = shared_cloud.client("lambda").invoke(FunctionName="changed")["Payload"]
        assert payload.read() == f'"{answer}"'.encode()


def test_a_published_function_keeps_each_version_and_its_alias_follows(
    shared_cloud: LocalCloud,
) -> None:
    ledger, client = Ledger(), shared_cloud.client("lambda")

    def release(answer: str, limit_seconds: float) -> str:
        deployer = Deployer(shared_cloud.account, ledger)
        inputs = {
            **function_inputs(shared_cloud, "published", answer),
            "timeout": limit_seconds,
            "publish": True,
        }
        version = deploy(deployer, FUNCTION, "published", inputs)[1]["version"]
        alias = {"name": LIVE, "functionName": "published", "functionVersion": version}
        made = deploy(deployer, ALIAS, "published-alias", alias)[1]
        assert made["arn"].endswith(f":function:published:{LIVE}")
        assert made["invokeArn"].endswith(f"/functions/{made['arn']}/invocations")
        return version

    def seen(qualifier: str) -> tuple[bytes, int]:
        answer = client.invoke(FunctionName=f"published:{qualifier}")["Payload"].read()
        configuration = client.get_function_configuration(
            FunctionName="published", Qualifier=qualifier
        )
        return answer, configuration["Timeout"]

    first = release("first", 5.0)
    assert seen(LIVE) == (b'"first"', 5)
    second = release("second", 6.0)
    assert seen(LIVE) == seen(second) == (b'"second"', 6)
    assert seen(first) == (b'"first"', 5)
    assert release("second", 6.0) == second, "nothing changed, nothing is published"


def test_a_change_that_needs_a_new_resource_is_an_error(shared_cloud: LocalCloud) -> None:
    ledger = Ledger()
    deploy(Deployer(shared_cloud.account, ledger), QUEUE, "grown", {"name": "grown"})
    with pytest.raises(DeployError, match="start the local cloud again"):
        deploy(
            Deployer(shared_cloud.account, ledger),
            QUEUE,
            "grown",
            {"name": "grown", "delaySeconds": 3.0},
        )


def test_a_whole_deployment_again_changes_nothing(shared_cloud: LocalCloud) -> None:
    assert shared_cloud.deploy() == []


def test_equal_contents_give_equal_archives(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "code.py").write_text("x = 1")
    first, second = (archive_bytes(pulumi.FileArchive(str(tmp_path / name))) for name in ("a", "b"))
    nested = pulumi.AssetArchive(
        {"inner": pulumi.AssetArchive({"code.py": pulumi.StringAsset("x = 1")})}
    )
    assert first == second == archive_bytes(nested)


def test_a_remote_archive_is_refused() -> None:
    with pytest.raises(ValueError, match="RemoteArchive"):
        archive_bytes(pulumi.RemoteArchive("https://example.com/code.zip"))


def test_targets_policies_and_settings_are_really_there(shared_cloud: LocalCloud) -> None:
    """What the emulator does not enforce is none the less created through the API."""
    outputs, client = shared_cloud.outputs, shared_cloud.client
    targets = client("events").list_targets_by_rule(Rule=outputs["statusRule"])["Targets"]
    assert {target["Id"] for target in targets} == {"tick-0s", "tick-30s"}
    assert all(target["DeadLetterConfig"]["Arn"] for target in targets)
    queue = client("sqs").get_queue_attributes(
        QueueUrl=outputs["queueUrls"]["statusTicks30s"], AttributeNames=["All"]
    )["Attributes"]
    assert queue["DelaySeconds"] == "30"
    assert outputs["statusRule"] in queue["Policy"]
    function = outputs["functionNames"]["fan_out"]
    alias = f"{function}:{LIVE}"
    settings = client("lambda").get_function_event_invoke_config(FunctionName=alias)
    assert settings["MaximumRetryAttempts"] == 1
    assert settings["DestinationConfig"]["OnFailure"]["Destination"]
    alias = f"{outputs['statusFunction']}:{LIVE}"
    policy = client("lambda").get_policy(FunctionName=alias)["Policy"]
    assert f"rule/{outputs['statusRule']}" in policy
    ttl = client("dynamodb").describe_time_to_live(TableName=outputs["sessionsTable"])
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "ttl"
    group = client("logs").describe_log_groups(
        logGroupNamePrefix=outputs["logGroupNames"]["connection"]
    )["logGroups"][0]
    assert group["retentionInDays"] == 1


def test_each_audio_queue_is_really_there_with_its_alarm(shared_cloud: LocalCloud) -> None:
    urls = shared_cloud.outputs["audioQueueUrls"]
    pages = shared_cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    described = [alarm for page in pages for alarm in page["MetricAlarms"]]
    age = "ApproximateAgeOfOldestMessage"
    alarms = [alarm for alarm in described if alarm["MetricName"] == age]
    watched = {alarm["Dimensions"][0]["Value"]: alarm for alarm in alarms}
    assert watched.keys() == {url.rpartition("/")[2] for url in urls}
    assert {alarm["Threshold"] for alarm in alarms} == {15.0}
    for url in urls:
        queue = shared_cloud.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["All"]
        )["Attributes"]
        assert queue["MessageRetentionPeriod"] == "60"
        assert queue["VisibilityTimeout"] == "1"


def test_tracing_is_on_where_it_is_asked_for_and_off_again_where_it_is_not(
    shared_cloud: LocalCloud,
) -> None:
    ledger, client = Ledger(), shared_cloud.client("lambda")

    def mode(**tracing: Any) -> str:
        inputs = {**function_inputs(shared_cloud, "traced", "x"), **tracing}
        deploy(Deployer(shared_cloud.account, ledger), FUNCTION, "traced", inputs)
        return client.get_function_configuration(FunctionName="traced")["TracingConfig"]["Mode"]

    assert mode(tracingConfig={"mode": "Active"}) == "Active"
    assert mode() == "PassThrough"


def test_a_rule_is_enabled_unless_its_state_says_otherwise(shared_cloud: LocalCloud) -> None:
    ledger, client = Ledger(), shared_cloud.client("events")

    def state(**inputs: str) -> str:
        inputs = {"name": "switched", "scheduleExpression": "rate(1 hour)", **inputs}
        deploy(Deployer(shared_cloud.account, ledger), RULE, "switched", inputs)
        return client.describe_rule(Name="switched")["State"]

    assert [state(), state(state="DISABLED"), state()] == ["ENABLED", "DISABLED", "ENABLED"]


def _archive() -> pulumi.AssetArchive:
    return pulumi.AssetArchive({"answer.py": pulumi.StringAsset("")})
