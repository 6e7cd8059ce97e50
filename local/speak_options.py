"""The options of `python -m local.speak`: the file, the deployment, and how to speak."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client.people import CHUNK_MILLISECONDS
from client.running_cloud import not_running, running_outputs
from client.sign_in import sign_in
from client.speaker_options import TOKEN_VARIABLE, add_speaker_options, password_of, token_of

# 24,000 bytes, the most that a chunk may have, are 750 ms; at 20 ms it is 50 chunks a second.
SHORTEST_CHUNK_MILLISECONDS = 20
LONGEST_CHUNK_MILLISECONDS = 750
REQUIRED_OUTPUTS = ("websocketUrl",)
SIGN_IN_OUTPUTS = ("userPoolId", "userPoolClientId")


class DeploymentUnknown(Exception):
    """The options do not lead to a deployment and a speaker; the message is for the user."""


@dataclass(frozen=True)
class Options:
    file: Path
    cloud: str | None
    url: str | None
    outputs: Path | None
    token: str | None
    username: str | None
    language: str
    quality: str
    session: str | None
    listen: list[str]
    chunk_milliseconds: int


@dataclass(frozen=True)
class Deployment:
    """Without a token, the speaker signs in as the local cloud's default speaker."""

    outputs: Mapping[str, Any]
    token: str | None

    @property
    def url(self) -> str:
        return self.outputs["websocketUrl"]


def deployment_of(options: Options) -> Deployment:
    """Find the deployment and sign in. Raises DeploymentUnknown, and whatever `sign_in` raises."""
    token = token_of(options.token)
    if options.url:
        if not token:
            raise DeploymentUnknown(
                f"--url needs a speaker's token too: --token, or {TOKEN_VARIABLE}; "
                "or use --outputs and --username to sign in"
            )
        return Deployment({"websocketUrl": options.url}, token)
    if options.outputs:
        needed = REQUIRED_OUTPUTS if token else (*REQUIRED_OUTPUTS, *SIGN_IN_OUTPUTS)
        outputs = _read_outputs(options.outputs, needed)
        if not token and not options.username:
            raise DeploymentUnknown(
                f"--outputs needs a speaker too: --username, or --token, or {TOKEN_VARIABLE}"
            )
        return Deployment(outputs, token or _signed_in(outputs, options.username))
    running = running_outputs(name=options.cloud)
    if running is None:
        raise DeploymentUnknown(f"{not_running(options.cloud)}, or name another by --url")
    _, outputs = running
    return Deployment(outputs, _signed_in(outputs, options.username) if options.username else None)


def options_of(arguments: list[str] | None, description: str | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="local.speak",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE.wav", help="16 kHz, mono, 16-bit PCM")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--cloud",
        metavar="FOLDER",
        help="the local cloud of this folder, such as .local-2 (.local)",
    )
    where.add_argument("--url", type=_socket_url, help="the stack's websocketUrl")
    where.add_argument("--outputs", type=Path, metavar="FILE", help="the stack's outputs as JSON")
    add_speaker_options(parser, default_speaker="the local cloud's own speaker")
    parser.add_argument("--language", default="en", help="what is spoken, such as en-GB (en)")
    parser.add_argument(
        "--quality",
        choices=("standard", "premium"),
        default="standard",
        help="premium has partial captions too (standard)",
    )
    parser.add_argument(
        "--session",
        metavar="ID",
        help="take over this session of the same user, and do not end it",
    )
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="LANGUAGE",
        help="join as a listener too, and show its captions; may be given several times",
    )
    parser.add_argument(
        "--chunk-milliseconds",
        type=_chunk_milliseconds,
        default=CHUNK_MILLISECONDS,
        metavar="N",
        help=f"the length of a chunk ({CHUNK_MILLISECONDS})",
    )
    return Options(**vars(parser.parse_args(arguments)))


def _socket_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.query:
        raise argparse.ArgumentTypeError(
            f"{parts._replace(query='').geturl()!r} is not a WebSocket URL: "
            "it takes wss://host/stage, without a query"
        )
    return text


def _chunk_milliseconds(text: str) -> int:
    rule = f"whole milliseconds from {SHORTEST_CHUNK_MILLISECONDS} to {LONGEST_CHUNK_MILLISECONDS}"
    if not text.isdecimal() or not (
        SHORTEST_CHUNK_MILLISECONDS <= int(text) <= LONGEST_CHUNK_MILLISECONDS
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid chunk length: it takes {rule}")
    return int(text)


def _read_outputs(path: Path, needed: Sequence[str]) -> dict[str, Any]:
    try:
        outputs = json.loads(path.read_text())
    except OSError as error:
        raise DeploymentUnknown(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        outputs = {}
    if not isinstance(outputs, dict):
        outputs = {}
    missing = [name for name in needed if name not in outputs]
    if missing:
        raise DeploymentUnknown(
            f"{path} has no {', '.join(missing)}: create it with `pulumi stack output --json`; "
            "a stack with speakerIssuer has no user pool, and needs a token of that issuer"
        )
    return outputs


def _signed_in(outputs: Mapping[str, Any], username: str | None) -> str:
    return sign_in(outputs, username, password_of(username))
