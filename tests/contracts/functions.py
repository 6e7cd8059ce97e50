"""Readers of the functions in a graph."""

from typing import Any

from program.engine import Engine


def entry_functions(engine: Engine) -> dict[str, dict[str, Any]]:
    return {
        each["handler"].removesuffix(".handler"): each for each in engine.inputs("lambda/function")
    }
