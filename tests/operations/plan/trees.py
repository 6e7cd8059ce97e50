"""Checkouts with a program in them, for the tests of the plan: small ones, and this very one."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parents[3]
PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.staging.yaml",
    "components",
    "contract",
    "handlers",
)

# A component with a queue in it, and a rule of a name that the config decides.
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
    """A program of two resources with the stack `one`."""
    (root / "components").mkdir(parents=True)
    (root / "__main__.py").write_text(SMALL_PROGRAM)
    (root / "components" / "words.py").write_text('QUEUE = "letters"\n')
    (root / "Pulumi.yaml").write_text("name: small\nconfig:\n  size:\n    default: 1\n")
    (root / "Pulumi.one.yaml").write_text("config:\n  small:size: 5\n")
    return root


def copy_this_tree(root: Path) -> Path:
    """What this checkout's program consists of, as it stands; layers that are built, built."""
    for name in PROGRAM:
        if (HERE / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HERE / name, root / name, ignore=ignored)
        else:
            shutil.copy(HERE / name, root / name)
    layers = root / ".build" / "layers"
    layers.mkdir(parents=True)
    built = HERE / ".build" / "layers"
    for each in built.iterdir() if built.is_dir() else ():
        (layers / each.name).symlink_to(each)
    return root


def change(path: Path, old: str, new: str) -> None:
    """Replaces a text that is there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))


def commit(root: Path, tag: str) -> None:
    """Commits everything that is there, under a tag."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet")
        (root / ".git" / "info" / "exclude").write_text(".build/\n__pycache__/\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(root, "tag", tag)


def git(root: Path, *arguments: str) -> None:
    """Without the settings of whoever runs the tests."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "gc.auto=0"]
    command = ["git", "-C", str(root), *who, *arguments]
    subprocess.run(command, check=True, env={**os.environ, **nobody})
