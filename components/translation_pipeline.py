"""From transcripts to captions: the stack's translation function, or an external one.

The audio processor invokes it with one transcript at a time and waits for the result; the payload
is described in docs/translation-pipeline.md.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.caption_history import CaptionHistory
from components.connection_store import ConnectionStore
from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.listener_fan_out import ListenerFanOut
from components.policies import Statement
from components.session_api import SessionApi
from contract.functions import TRANSLATION

SID, VARIABLE = "InvokeTranslation", "TRANSLATION_FUNCTION"
TRANSLATE_TEXT = Statement.about_everything(
    sid="TranslateText",
    actions=("translate:TranslateText",),
    reason="Its only resource type is terminologies, and none is used:"
    " https://docs.aws.amazon.com/service-authorization/latest/reference/list_translate.html",
)


@dataclass(frozen=True, kw_only=True)
class TranslationPipelineArgs:
    """`external_function_arn` names a function to use instead of making one; empty for none."""

    platform: FunctionPlatform
    store: ConnectionStore
    history: CaptionHistory
    api: SessionApi
    fan_out: ListenerFanOut
    external_function_arn: str = ""


class TranslationPipeline(pulumi.ComponentResource):
    """`functions` has the stack's own translation function, if there is one.

    An external function in another account must allow the invocation in its own policy.
    """

    functions: tuple[HandlerFunction, ...]

    def __init__(
        self, name: str, args: TranslationPipelineArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:translation_pipeline:TranslationPipeline", name, None, opts)
        if args.external_function_arn:
            self.functions = ()
            self._invoking = _invoking_external(args.external_function_arn)
        else:
            function = self._create_function(args)
            self.functions = (function,)
            self._invoking = function.invoking(SID, VARIABLE)
        self.register_outputs({"function": self._invoking.variables[VARIABLE]})

    def _create_function(self, args: TranslationPipelineArgs) -> HandlerFunction:
        function = HandlerFunctionArgs(
            platform=args.platform,
            function=TRANSLATION,
            memory_megabytes=512,
            timeout_seconds=30,
            grants=(
                args.store.sessions("ReadUpdateSessions", "GetItem", "UpdateItem"),
                args.store.connections("DeleteConnections", "DeleteItem"),
                args.store.querying_listeners(),
                args.history.writing(),
                Grant(statements=(TRANSLATE_TEXT,)),
                args.api.managing_connections("POST"),
                args.fan_out.invoking(),
            ),
        )
        return HandlerFunction("translation", function, ResourceOptions(parent=self))

    def invoking(self) -> Grant:
        """Invoking the function that takes the transcripts, the stack's own or the external one."""
        return self._invoking


def _invoking_external(function_arn: str) -> Grant:
    statement = Statement(sid=SID, actions=("lambda:InvokeFunction",), resources=(function_arn,))
    return Grant(statements=(statement,), variables={VARIABLE: function_arn})
