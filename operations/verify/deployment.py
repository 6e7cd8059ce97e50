"""The deployment that is verified: its outputs, its ids, and clients for its account."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from client.account import Account
from operations.verify.declared import MADE_UP_API_ID, Identity
from program.stack_config import LOCAL_STACK, project

STANDARD_RETRIES = Config(
    retries={"mode": "adaptive", "max_attempts": 8}, connect_timeout=10, read_timeout=30
)


class CannotVerify(Exception):
    """The run cannot start or finish; the message gives the reason and the fix."""


@dataclass(frozen=True)
class Deployment:
    """`client` returns the boto3 client of a service, created once; `client_in` the one of another
    Region.

    `emulator_folder` is the folder of a local cloud, with its emulator's files; None on AWS.
    """

    stack: str
    outputs: Mapping[str, Any] = field(repr=False)
    config: Mapping[str, str] = field(repr=False)
    identity: Identity
    client: Callable[[str], Any] = field(repr=False)
    emulator_folder: Path | None = None
    client_in: Callable[[str, str], Any] | None = field(default=None, repr=False)

    def regional_client(self, service: str, region: str) -> Any:
        """The boto3 client of a service in a Region; a local cloud has one Region alone."""
        if self.client_in is None or region == self.identity.region:
            return self.client(service)
        return self.client_in(service, region)

    @property
    def is_local(self) -> bool:
        """Whether this is a local cloud."""
        return self.emulator_folder is not None

    @property
    def is_made_by_pulumi(self) -> bool:
        """Whether Pulumi deployed it; `make run` deploys without."""
        return self.stack != LOCAL_STACK

    @property
    def repair(self) -> str:
        """The command that makes the deployment match the program."""
        if self.is_made_by_pulumi:
            return f"pulumi up --refresh --stack {self.stack}"
        return "restart `make run`, which deploys everything"


def local_deployment(
    stack: str,
    account: Account,
    outputs: Mapping[str, Any],
    config: Mapping[str, str],
    folder: Path,
) -> Deployment:
    """The local cloud in a folder, accessed as its account's root. Raises CannotVerify."""
    return _checked(
        Deployment(
            stack=stack,
            outputs=outputs,
            config=config,
            identity=Identity(
                account_id=account.account_id,
                region=account.region,
                partition="aws",
                api_id=api_id_of(outputs),
            ),
            client=account.client,
            emulator_folder=folder,
        )
    )


def aws_deployment(stack: str, outputs: Mapping[str, Any], config: Mapping[str, str]) -> Deployment:
    """A stack on AWS, with the credentials that boto3 finds. Raises CannotVerify."""
    return _checked(_on_aws(stack, outputs, config, api_id_of(outputs)))


def aws_account(stack: str, config: Mapping[str, str]) -> Deployment:
    """The account and Region of a stack that may not be deployed yet. Raises CannotVerify.

    It has no outputs, and a made-up API id.
    """
    return _on_aws(stack, {}, config, MADE_UP_API_ID)


def _on_aws(
    stack: str, outputs: Mapping[str, Any], config: Mapping[str, str], api_id: str
) -> Deployment:
    region = setting(config, "region")
    try:
        session = boto3.Session(region_name=region)
        caller = session.client("sts", config=STANDARD_RETRIES).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CannotVerify(
            f"no valid AWS credentials: {error}; sign in as for `pulumi up`, "
            "for example with `aws sso login`"
        ) from None

    @cache
    def client_in(service: str, in_region: str) -> Any:
        return session.client(  # pyright: ignore
            service, region_name=in_region, config=STANDARD_RETRIES
        )

    return Deployment(
        stack=stack,
        outputs=outputs,
        config=config,
        identity=Identity(
            account_id=caller["Account"],
            region=region,
            partition=caller["Arn"].split(":")[1],
            api_id=api_id,
        ),
        client=lambda service: client_in(service, region),
        client_in=client_in,
    )


def setting(config: Mapping[str, str], key: str) -> str:
    """A setting's value as text; JSON if it is not a string."""
    return config[f"{project()['name']}:{key}"]


def api_id_of(outputs: Mapping[str, Any]) -> str:
    """The API's id, from `managementEndpoint`, because `websocketUrl` may be a custom domain."""
    endpoint = outputs["managementEndpoint"]
    found = re.search(r"//(\w+)\.execute-api\.|/_aws/execute-api/(\w+)/", endpoint)
    if found is None:
        raise CannotVerify(
            f"the output managementEndpoint is {endpoint!r}, which names no API: "
            "pass the unchanged output of `pulumi stack output --json`"
        )
    return found[1] or found[2]


def _checked(deployment: Deployment) -> Deployment:
    """Return the deployment if its API can be read; raises CannotVerify."""
    identity = deployment.identity
    try:
        deployment.client("apigatewayv2").get_api(ApiId=identity.api_id)
    except ClientError as error:
        code = code_of(error)
        raise CannotVerify(
            f"the API {identity.api_id} of the outputs cannot be read in account "
            f"{identity.account_id}, Region {identity.region} ({code}): use credentials of the "
            "stack's account that may read it, and this stack's outputs"
        ) from None
    except BotoCoreError as error:
        raise CannotVerify(f"AWS does not respond: {error}") from None
    return deployment


def code_of(error: ClientError) -> str:
    """The error code, such as `AccessDenied`."""
    return error.response.get("Error", {}).get("Code", "an error without a code")
