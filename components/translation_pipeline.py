"""From transcripts to captions: the function that translates and posts, or one from elsewhere.

Whichever it is, the audio processor waits for it with one transcript at a time; its payload is in
docs/translation-pipeline.md.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import ConnectionStore
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.policies import Statement
from components.session_api import SessionApi
from components.settings import SessionRules


@dataclass(frozen=True, kw_only=True)
class TranslationPipelineArgs:
    """`external_function_arn`: a function to use instead of making one."""

    platform: FunctionPlatform
    store: ConnectionStore
    api: SessionApi
    session_rules: SessionRules
    external_function_arn: str = ""


class TranslationPipeline(pulumi.ComponentResource):
    """`name_or_arn` is what to invoke; `functions` has the stack's own function, if there is one.

    An external function's own policy has to allow the invocation if its account is another.
    """

    name_or_arn: pulumi.Output[str]
    functions: tuple[HandlerFunction, ...]

    def __init__(
        self, name: str, args: TranslationPipelineArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:translation_pipeline:TranslationPipeline", name, None, opts)
        if args.external_function_arn:
            self.functions = ()
            self.name_or_arn = pulumi.Output.from_input(args.external_function_arn)
            self._arn = self.name_or_arn
        else:
            function = self._create_function(args)
            self.functions = (function,)
            self.name_or_arn = function.name
            self._arn = function.arn
        self.register_outputs({"function": self.name_or_arn})

    def _create_function(self, args: TranslationPipelineArgs) -> HandlerFunction:
        store = args.store
        function = HandlerFunctionArgs(
            platform=args.platform,
            entry="translation",
            memory_megabytes=512,
            timeout_seconds=30,
            statements=(
                store.sessions_statement("ReadUpdateSessions", "GetItem", "UpdateItem"),
                store.connections_statement("DeleteConnections", "DeleteItem"),
                store.listeners_statement("QueryListeners"),
                Statement.about_everything(
                    sid="TranslateText",
                    actions=("translate:TranslateText",),
                    reason="It knows no resources but terminologies, of which there are none here:"
                    " https://docs.aws.amazon.com/service-authorization/latest/reference/list_translate.html",
                ),
                args.api.connections_statement("PostToConnections", "POST"),
            ),
            environment={
                "SESSIONS_TABLE": store.sessions_table,
                "CONNECTIONS_TABLE": store.connections_table,
                "API_GATEWAY_ENDPOINT": args.api.management_endpoint,
                "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": str(
                    args.session_rules.listener_count_change_threshold_percent
                ),
            },
        )
        return HandlerFunction("translation", function, ResourceOptions(parent=self))

    def invoke_statement(self, sid: str) -> Statement:
        """Lets a role invoke the function that takes the transcripts, whosever it is."""
        return Statement(sid=sid, actions=("lambda:InvokeFunction",), resources=(self._arn,))
