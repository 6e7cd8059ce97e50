"""The layers, built by the program itself."""

from components.layers.function_layers import HANDLERS, FunctionLayers, FunctionLayersArgs
from components.layers.packaging import LayerBuildError
from components.layers.target import Target, host_architecture

__all__ = [
    "HANDLERS",
    "FunctionLayers",
    "FunctionLayersArgs",
    "LayerBuildError",
    "Target",
    "host_architecture",
]
