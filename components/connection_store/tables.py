"""One way to make a DynamoDB table: on demand, encrypted, with at most one index; and to use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.policies import Condition, Statement


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index by two keys; without `projected` attributes it holds keys alone."""

    name: str
    hash_key: str
    range_key: str
    projected: Sequence[str] = ()

    def as_args(self) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
        """The index in the provider's form."""
        schema = aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs
        return aws.dynamodb.TableGlobalSecondaryIndexArgs(
            name=self.name,
            key_schemas=[
                schema(attribute_name=self.hash_key, key_type="HASH"),
                schema(attribute_name=self.range_key, key_type="RANGE"),
            ],
            projection_type="INCLUDE" if self.projected else "KEYS_ONLY",
            non_key_attributes=list(self.projected) or None,
        )


@dataclass(frozen=True, kw_only=True)
class TableShape:
    """`keys`: the key attributes of table and index with their types, the table's own first.

    Without a `ttl_attribute` its items stay until they are deleted.
    """

    physical_name: str
    keys: Mapping[str, str]
    ttl_attribute: str | None = None
    index: Index | None = None


@dataclass(frozen=True, kw_only=True)
class TableSafety:
    """`deletion_protection` also keeps a table when the stack is destroyed."""

    point_in_time_recovery: bool
    deletion_protection: bool


def create_table(
    resource_name: str, shape: TableShape, safety: TableSafety, parent: pulumi.Resource
) -> aws.dynamodb.Table:
    """Makes the table as a child of `parent`."""
    return aws.dynamodb.Table(
        resource_name,
        name=shape.physical_name,
        billing_mode="PAY_PER_REQUEST",
        attributes=[
            aws.dynamodb.TableAttributeArgs(name=key, type=kind) for key, kind in shape.keys.items()
        ],
        hash_key=next(iter(shape.keys)),
        global_secondary_indexes=[shape.index.as_args()] if shape.index else [],
        ttl=aws.dynamodb.TableTtlArgs(attribute_name=shape.ttl_attribute, enabled=True)
        if shape.ttl_attribute
        else None,
        point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
            enabled=safety.point_in_time_recovery
        ),
        # With the AWS managed key, whose use CloudTrail shows.
        server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True),
        deletion_protection_enabled=safety.deletion_protection,
        opts=ResourceOptions(
            parent=parent,
            protect=safety.deletion_protection,
            retain_on_delete=safety.deletion_protection,
        ),
    )


def table_statement(
    sid: str,
    actions: tuple[str, ...],
    resource: pulumi.Input[str],
    condition: Condition | None = None,
) -> Statement:
    """Lets a role do what `actions` name, without their prefix, on one table or index."""
    return Statement(
        sid=sid,
        actions=tuple(f"dynamodb:{action}" for action in actions),
        resources=(resource,),
        condition=condition,
    )
