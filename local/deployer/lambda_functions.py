"""Lambda functions, aliases, layers, permissions, event source mappings, asynchronous settings."""

from typing import Any

from client.account import Account
from local.deployer.archives import archive_bytes
from local.deployer.resource import Created, Kind, Resource

# Inputs that are not part of the function's configuration.
APART = ("name", "code", "publish", "reservedConcurrentExecutions")


def create_function(account: Account, resource: Resource) -> Created:
    client = account.client("lambda")
    name = resource.physical_name
    function = client.create_function(
        FunctionName=name,
        Code={"ZipFile": archive_bytes(resource.inputs["code"])},
        Publish=resource.inputs.get("publish", False),
        Tags=resource.tags,
        **_configuration(resource),
    )
    _reserve_concurrency(client, resource, name)
    return _created(account, resource, function)


def update_function(account: Account, resource: Resource) -> Created:
    client = account.client("lambda")
    name = resource.inputs["name"]
    configuration = _configuration(resource)
    architectures = configuration.pop("Architectures", None)
    # Lambda keeps the settings that an update does not name.
    configuration.setdefault("TracingConfig", {"Mode": "PassThrough"})
    configuration.setdefault("SnapStart", {"ApplyOn": "None"})
    client.update_function_configuration(FunctionName=name, **configuration)
    function = client.update_function_code(
        FunctionName=name,
        ZipFile=archive_bytes(resource.inputs["code"]),
        # With the configuration that was updated before.
        Publish=resource.inputs.get("publish", False),
        **({"Architectures": architectures} if architectures else {}),
    )
    _reserve_concurrency(client, resource, name)
    return _created(account, resource, function)


def create_alias(account: Account, resource: Resource) -> Created:
    alias = account.client("lambda").create_alias(**resource.request())
    return _created_alias(account, resource, alias)


def move_alias(account: Account, resource: Resource) -> Created:
    alias = account.client("lambda").update_alias(**resource.request())
    return _created_alias(account, resource, alias)


def publish_layer(account: Account, resource: Resource) -> Created:
    layer = account.client("lambda").publish_layer_version(
        Content={"ZipFile": archive_bytes(resource.inputs["code"])},
        **resource.request(without=("code", "skipDestroy")),
    )
    return Created(
        id=layer["LayerVersionArn"],
        outputs={
            "arn": layer["LayerVersionArn"],
            "layerArn": layer["LayerArn"],
            "version": str(layer["Version"]),
            "createdDate": layer["CreatedDate"],
        },
    )


def add_permission(account: Account, resource: Resource) -> Created:
    statement = resource.inputs.get("statementId", resource.name)
    account.client("lambda").add_permission(
        StatementId=statement,
        **resource.request(without=("statementId",), function="FunctionName"),
    )
    return Created(id=statement, outputs={"statementId": statement})


def create_event_source_mapping(account: Account, resource: Resource) -> Created:
    mapping = account.client("lambda").create_event_source_mapping(
        Tags=resource.tags, **resource.request()
    )
    return Created(
        id=mapping["UUID"],
        outputs={
            "uuid": mapping["UUID"],
            "functionArn": mapping["FunctionArn"],
            "arn": (
                f"arn:aws:lambda:{account.region}:{account.account_id}"
                f":event-source-mapping:{mapping['UUID']}"
            ),
            "state": mapping["State"],
            "tagsAll": resource.tags,
        },
    )


def put_event_invoke_config(account: Account, resource: Resource) -> Created:
    account.client("lambda").put_function_event_invoke_config(**resource.request())
    return Created(id=resource.inputs["functionName"])


def _configuration(resource: Resource) -> dict[str, Any]:
    return resource.request(without=APART)


def _reserve_concurrency(client: Any, resource: Resource, name: str) -> None:
    """Reserve concurrency; -1 is Pulumi's value for none."""
    reserved = resource.inputs.get("reservedConcurrentExecutions", -1)
    if reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)


def _created_alias(account: Account, resource: Resource, alias: dict[str, Any]) -> Created:
    arn = alias["AliasArn"]
    return Created(
        id=f"{resource.inputs['functionName']}/{alias['Name']}",
        outputs={"arn": arn, "invokeArn": _invoke_arn(account, arn)},
    )


def _invoke_arn(account: Account, arn: str) -> str:
    return f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _created(account: Account, resource: Resource, function: dict[str, Any]) -> Created:
    arn, name = function["FunctionArn"], function["FunctionName"]
    invoke_arn = _invoke_arn(account, arn)
    version = function.get("Version", "$LATEST")
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": arn,
            "invokeArn": invoke_arn,
            "qualifiedArn": f"{arn}:{version}",
            "qualifiedInvokeArn": invoke_arn.replace(arn, f"{arn}:{version}"),
            "version": version,
            "codeSha256": function.get("CodeSha256", ""),
            "sourceCodeSize": function.get("CodeSize", 0),
            "lastModified": function.get("LastModified", ""),
            "tagsAll": resource.tags,
        },
    )


KINDS = {
    "aws:lambda/alias:Alias": Kind(create_alias, update=move_alias),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Kind(create_event_source_mapping),
    "aws:lambda/function:Function": Kind(create_function, update=update_function),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Kind(
        put_event_invoke_config, update=put_event_invoke_config
    ),
    "aws:lambda/layerVersion:LayerVersion": Kind(publish_layer, update=publish_layer),
    "aws:lambda/permission:Permission": Kind(add_permission),
}
