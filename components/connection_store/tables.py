"""A DynamoDB table as the contract describes it: on demand, encrypted at rest, expiring by TTL."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.policies import Condition, Statement
from contract.tables import Index, Table


@dataclass(frozen=True, kw_only=True)
class TableSafety:
    """`deletion_protection` also keeps a table when the stack is destroyed."""

    point_in_time_recovery: bool
    deletion_protection: bool


class StackTable:
    """A table of one stack, made as a child of `parent`, and the grants for it.

    Its physical name is `prefix` and the contract's name.
    """

    name: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        table: Table,
        prefix: str,
        safety: TableSafety,
        parent: pulumi.Resource,
    ) -> None:
        self.definition = table
        ttl = None
        if table.ttl_attribute is not None:
            ttl = aws.dynamodb.TableTtlArgs(attribute_name=table.ttl_attribute, enabled=True)
        made = aws.dynamodb.Table(
            resource_name,
            name=f"{prefix}-{table.name}",
            billing_mode="PAY_PER_REQUEST",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=key, type=type_)
                for key, type_ in table.key_types.items()
            ],
            hash_key=table.hash_key,
            range_key=table.range_key,
            global_secondary_indexes=[_index_args(index) for index in table.indexes],
            ttl=ttl,
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=safety.point_in_time_recovery
            ),
            # By the AWS managed key, whose use CloudTrail shows.
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True),
            deletion_protection_enabled=safety.deletion_protection,
            opts=ResourceOptions(
                parent=parent,
                protect=safety.deletion_protection,
                retain_on_delete=safety.deletion_protection,
            ),
        )
        self.name = made.name
        self._arn = made.arn

    def granting(self, sid: str, *actions: str, condition: Condition | None = None) -> Grant:
        """Access to items by the named actions, such as GetItem, without their prefix."""
        return self._grant(sid, actions, self._arn, condition)

    def querying(self, sid: str, index: Index) -> Grant:
        """Queries of one index."""
        arn = pulumi.Output.concat(self._arn, "/index/", index.name)
        return self._grant(sid, ("Query",), arn)

    def _grant(
        self,
        sid: str,
        actions: tuple[str, ...],
        resource: pulumi.Input[str],
        condition: Condition | None = None,
    ) -> Grant:
        statement = Statement(
            sid=sid,
            actions=tuple(f"dynamodb:{action}" for action in actions),
            resources=(resource,),
            condition=condition,
        )
        return Grant(statements=(statement,), variables={self.definition.variable: self.name})


def _index_args(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    schema = aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=index.name,
        key_schemas=[
            schema(attribute_name=index.hash_key, key_type="HASH"),
            schema(attribute_name=index.range_key, key_type="RANGE"),
        ],
        projection_type="INCLUDE" if index.projected else "KEYS_ONLY",
        non_key_attributes=list(index.projected) or None,
    )
