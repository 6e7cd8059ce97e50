"""What API Gateway lists of the deployment's API."""

from typing import Any

from operations.verify.scene import Scene


def listed(scene: Scene, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    """All items of an operation such as `get_routes`."""
    pages = (
        scene.deployment.client("apigatewayv2")
        .get_paginator(operation)
        .paginate(ApiId=scene.deployment.identity.api_id, **parameters)
    )
    return [item for page in pages for item in page["Items"]]
