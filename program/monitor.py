"""Pulumi's mock monitor, and what a stack of ours also needs of the engine."""

import inspect
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import _sync_await

STACK = "pulumi:pulumi:Stack"
READ_STATE = "pulumi:pulumi:readStackResourceOutputs"


class StackMonitor(MockMonitor):
    """Runs the stack's transforms, which mocks only record, and answers what the state has."""

    def state(self, stack: str) -> dict[str, Any]:
        """Type and outputs of each resource of an earlier update, by URN: there was none."""
        return {}

    def Invoke(self, request: Any) -> Any:
        if request.tok != READ_STATE:
            return super().Invoke(request)
        stack = request.args["stackName"]
        answer = _sync_await(
            rpc.serialize_properties({"name": stack, "outputs": self.state(stack)}, {})
        )
        response = resource_pb2.ResourceInvokeResponse()
        # `return` is a keyword of Python.
        getattr(response, "return").CopyFrom(answer)
        return response

    def RegisterResource(self, request: Any) -> Any:
        if request.type != STACK:
            for transform in self.get_registered_transforms():
                _apply(transform, request)
        return super().RegisterResource(request)


def _apply(transform: pulumi.ResourceTransform, request: Any) -> None:
    """Changes the request's inputs, protection and retention as the transform says."""
    result = transform(
        pulumi.ResourceTransformArgs(
            custom=request.custom,
            type_=request.type,
            name=request.name,
            props=rpc.deserialize_properties(request.object, keep_unknowns=True),
            opts=pulumi.ResourceOptions(
                protect=request.protect, retain_on_delete=request.retainOnDelete
            ),
        )
    )
    if inspect.isawaitable(result):
        result = _sync_await(result)
    if result is None:
        return
    request.object.CopyFrom(_sync_await(rpc.serialize_properties(result.props, {})))
    request.protect = bool(result.opts.protect)
    request.retainOnDelete = bool(result.opts.retain_on_delete)
