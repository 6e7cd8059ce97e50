"""Checkouts with a program, for the tests of the plan: a small one, and a copy of this one."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parents[3]
PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.staging.yaml",
    "components",
    "contract",
    "handlers",
)

# A component that contains a queue, and a rule whose name comes from the config.
SMALL_PROGRAM = """
import pulumi
from components.words import QUEUE

config = pulumi.Config()


class Post(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("small:post:Post", name)
        child = pulumi.ResourceOptions(parent=self)
        pulumi.CustomResource("aws:sqs/queue:Queue", f"{name}-queue", {"name": QUEUE}, child)


Post("post")
rule = {"name": f"{pulumi.get_stack()}-{config.require('size')}", "arn": None}
rule = pulumi.CustomResource("aws:cloudwatch/eventRule:EventRule", "rule", rule)
pulumi.export("rule", rule.id)
print("the program prints what it likes")
"""


def write_small_tree(root: Path) -> Path:
    """Write a program of two resources with the stack `one`."""
    (root / "components").mkdir(parents=True)
    (root / "__main__.py").write_text(SMALL_PROGRAM)
    (root / "components" / "words.py").write_text('QUEUE = "letters"\n')
    (root / "Pulumi.yaml").write_text("name: small\nconfig:\n  size:\n    default: 1\n")
    (root / "Pulumi.one.yaml").write_text("config:\n  small:size: 5\n")
    return root


def copy_this_tree(root: Path, overrides: Mapping[str, Mapping[str, Any]]) -> Path:
    """Copy this checkout's program, and link the layers that are already built.

    `overrides` are the settings that replace those of a stack's config, by stack.
    """
    for name in PROGRAM:
        if (HERE / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HERE / name, root / name, ignore=ignored)
        else:
            shutil.copy(HERE / name, root / name)
    for stack, changed in overrides.items():
        path = root / f"Pulumi.{stack}.yaml"
        config = yaml.safe_load(path.read_text())["config"]
        config.update({f"live-sessions:{key}": value for key, value in changed.items()})
        path.write_text(yaml.safe_dump({"config": config}))
    layers = root / ".build" / "layers"
    layers.mkdir(parents=True)
    built = HERE / ".build" / "layers"
    for each in built.iterdir() if built.is_dir() else ():
        (layers / each.name).symlink_to(each)
    return root


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))


def commit(root: Path, tag: str) -> None:
    """Commit all files and tag the commit."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet")
        (root / ".git" / "info" / "exclude").write_text(".build/\n__pycache__/\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(root, "tag", tag)


def git(root: Path, *arguments: str) -> None:
    """Run git without the settings of the user who runs the tests."""
    no_user_settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "gc.auto=0"]
    command = ["git", "-C", str(root), *who, *arguments]
    subprocess.run(command, check=True, env={**os.environ, **no_user_settings})
