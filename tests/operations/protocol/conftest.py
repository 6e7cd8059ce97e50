from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from operations.protocol.asyncapi import document
from operations.protocol.protocol import SCHEMAS, Protocol, protocol

Problems = Callable[[str, Any], list[str]]
DOCUMENT = "urn:asyncapi"


@pytest.fixture(scope="session")
def made() -> Protocol:
    return protocol()


@pytest.fixture(scope="session")
def problems(made: Protocol) -> Problems:
    """What the schema of a name finds wrong with a value; schemas are read as AsyncAPI's are."""
    resource = DRAFT7.create_resource(document(made))
    registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)

    def found(name: str, value: Any) -> list[str]:
        schema = {"$ref": f"{DOCUMENT}{SCHEMAS}{name}"}
        errors = Draft7Validator(schema, registry=registry).iter_errors(value)
        return [error.message for error in errors]

    return found
