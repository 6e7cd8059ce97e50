"""The layers: the shared package with its dependencies, and what two functions need in addition.

Their archives are built by the program itself while it runs, for the configured Python.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.layers.packaging import LayerSource, build_layer
from components.layers.target import Target

_ROOT = Path(__file__).resolve().parents[2]
HANDLERS = _ROOT / "handlers"
CACHE = _ROOT / ".build" / "layers"

SHARED = LayerSource(
    name="shared",
    lock=HANDLERS / "requirements.txt",
    packages=(_ROOT / "contract", HANDLERS / "live_sessions"),
)
TOKENS = LayerSource(name="tokens", lock=HANDLERS / "requirements-authorizer.txt")
STREAMING = LayerSource(name="streaming", lock=HANDLERS / "requirements-streaming.txt")


@dataclass(frozen=True, kw_only=True)
class FunctionLayersArgs:
    """`prefix` starts the layers' physical names; `target` is the Python that imports them."""

    prefix: str
    target: Target


class FunctionLayers(pulumi.ComponentResource):
    """All functions have the shared layer, the authorizer `tokens`, the processor `streaming`."""

    shared_arn: pulumi.Output[str]
    tokens_arn: pulumi.Output[str]
    streaming_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: FunctionLayersArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:layers:FunctionLayers", name, None, opts)
        child = ResourceOptions(parent=self)
        self.shared_arn = self._create_layer(name, SHARED, args, child).arn
        self.tokens_arn = self._create_layer(name, TOKENS, args, child).arn
        self.streaming_arn = self._create_layer(name, STREAMING, args, child).arn
        self.register_outputs(
            {
                "sharedArn": self.shared_arn,
                "tokensArn": self.tokens_arn,
                "streamingArn": self.streaming_arn,
            }
        )

    def _create_layer(
        self, name: str, source: LayerSource, args: FunctionLayersArgs, child: ResourceOptions
    ) -> aws.lambda_.LayerVersion:
        archive = build_layer(source, args.target, CACHE)
        return aws.lambda_.LayerVersion(
            f"{name}-{source.name}",
            layer_name=f"{args.prefix}-{source.name}",
            code=pulumi.FileArchive(str(archive)),
            compatible_runtimes=[args.target.runtime],
            compatible_architectures=[args.target.architecture],
            opts=child,
        )
