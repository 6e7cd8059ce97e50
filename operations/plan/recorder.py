"""Runs the program of one checkout, this one or another, and prints what it declares as JSON.

This is a separate process (`python -m operations.plan.recorder`), because both checkouts' packages
have the same names: the recorder comes from this checkout, the program only from the other.
"""

import contextlib
import difflib
import json
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi

from operations.plan.recording import PlanError, Recording, Resource, json_value
from program.computed import ACCOUNT, COMPUTED, REGION
from program.engine import Engine, RecordingMonitor, Registered
from program.run import run_program
from program.stack_config import host_settings, project, recorded_config

HERE = Path(__file__).resolve().parents[2]
_NOT_THE_PROGRAM = (".venv", "operations", "program")


class TolerantEngine(Engine):
    """An engine that also accepts types and calls that only other revisions use."""

    def computed(self, typ: str, physical_name: str) -> dict[str, Any]:
        if typ in COMPUTED:
            return super().computed(typ, physical_name)
        service = typ.partition(":")[2].partition("/")[0]
        return {"arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{physical_name}"}

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        try:
            return super().call(args)
        except NotImplementedError:
            return {}, []


def record(root: Path, stack: str, overrides: dict[str, str], *, preview: bool) -> Recording:
    """Record what `pulumi up` would register; with `preview`, run a first preview as well.

    Raises what the program raises, and `PlanError` for an override with an unknown key.
    """
    config = _config(root, stack, overrides)
    engine = TolerantEngine()
    outputs = _run(engine, root, stack, config)
    if preview:
        try:
            _run(TolerantEngine(preview=True), root, stack, config)
        except (Exception, SystemExit) as error:
            raise PlanError(
                "runs, but fails in a first preview, where values computed by AWS are unknown:"
                f" {_reason(error, root)}"
            ) from error
    return recording(stack, engine, outputs)


def recording(stack: str, engine: Engine, outputs: Iterable[str]) -> Recording:
    """What a run of the program for the stack has registered; `outputs` are their names."""
    return Recording(
        stack=stack,
        outputs=tuple(sorted(outputs)),
        resources=tuple(_resource(each) for each in engine.registered),
    )


def _run(engine: Engine, root: Path, stack: str, config: dict[str, str]) -> dict[str, Any]:
    return run_program(
        engine,
        stack=stack,
        config=config,
        preview=engine.preview,
        monitor=RecordingMonitor(engine),
        root=root,
    )


def _config(root: Path, stack: str, overrides: dict[str, str]) -> dict[str, str]:
    declared = project(root)
    known = sorted(declared.get("config") or {})
    for key in overrides:
        if key not in known:
            nearest = ", ".join(difflib.get_close_matches(key, known, n=1, cutoff=0)) or "none"
            raise PlanError(
                f"--config {key}: Pulumi.yaml has no such key; the closest one: {nearest}."
            )
    config = recorded_config(stack, overrides, root)
    if config.get(f"{declared['name']}:layerPlatform") == "host":
        config = recorded_config(stack, {**host_settings(), **overrides}, root)
    return config


def _resource(registered: Registered) -> Resource:
    options = {
        "protect": registered.protect,
        "retainOnDelete": registered.retain_on_delete,
        # A reference ends with the provider's name and id.
        "provider": registered.provider.split("::")[-2] if registered.provider else "",
    }
    return Resource(
        urn=registered.urn,
        parent=registered.parent,
        typ=registered.typ,
        name=registered.name,
        custom=registered.custom,
        inputs=json_value(registered.inputs),
        options={name: value for name, value in options.items() if value},
        former_urns=tuple(sorted(registered.former_urns)),
    )


def _reason(error: BaseException, root: Path) -> str:
    """The error's message; for Python's own errors also the type and the place in the program."""
    if type(error).__module__.partition(".")[0] not in ("builtins", "yaml"):
        return str(error).replace(f"{root}/", "")
    frames = traceback.extract_tb(error.__traceback__)
    inside = [each for each in frames if Path(each.filename).is_relative_to(root)]
    places = [
        f" ({place}, line {each.lineno})"
        for each in inside
        if (place := Path(each.filename).relative_to(root)).parts[0] not in _NOT_THE_PROGRAM
    ]
    message = f"{type(error).__name__}: {error}".replace(f"{root}/", "")
    return f"{message}{places[-1] if places else ''}"


def _main(request: dict[str, Any]) -> dict[str, Any]:
    root = Path(request["root"])
    # The recorder is imported by now; from here on imports come only from the checkout.
    sys.path[:] = [str(root), *(each for each in sys.path if Path(each or ".").resolve() != HERE)]
    recordings: list[dict[str, Any]] = []
    for stack in request["stacks"]:
        try:
            recording = record(root, stack, request["overrides"], preview=request["preview"])
        except (Exception, SystemExit) as error:
            return {"stack": stack, "error": _reason(error, root)}
        recordings.append(recording.as_json())
    return {"recordings": recordings}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        answer = _main(json.load(sys.stdin))
    json.dump(answer, sys.stdout)
