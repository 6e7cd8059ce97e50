"""A function's code, which Pulumi's refresh does not compare: each file, by its content."""

import io
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from operations.plan.recording import archive_hashes, content_hash
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, not_checked, wrong

DOWNLOAD_TIMEOUT_SECONDS = 30


class CodeUnavailable(Exception):
    """The code could not be downloaded; the message is the reason."""


def code_verdicts(
    context: Context, subject: str, inputs: Mapping[str, Any], function: Mapping[str, Any]
) -> Iterator[Verdict]:
    """Compare the code of a GetFunction response with the declared archive; nothing if equal."""
    try:
        live = _files(_downloaded(context, function["Code"]["Location"]))
    except CodeUnavailable as error:
        yield not_checked(subject, f"its code cannot be read: {error}", "try again")
        return
    declared = archive_hashes(inputs["code"])
    faults = (
        ("lacks", sorted(declared.keys() - live.keys())),
        ("has the undeclared", sorted(live.keys() - declared.keys())),
        ("differs in", sorted(_differing(declared, live))),
    )
    if seen := "; ".join(f"{fault} {', '.join(names)}" for fault, names in faults if names):
        yield wrong(subject, f"its code {seen}", _way_out(context, inputs["name"], declared))


def _way_out(context: Context, function: str, files: Mapping[str, str]) -> str:
    if not context.deployment.is_made_by_pulumi:
        return context.deployment.repair
    return (
        "check out the commit that is deployed, and verify again; if the code was changed by hand, "
        "which `pulumi up` does not see: zip /tmp/code.zip "
        f"{' '.join(files)} (in handlers/) && aws lambda update-function-code --publish "
        f"--function-name {function} --zip-file fileb:///tmp/code.zip && "
        f"{context.deployment.repair}"
    )


def _differing(declared: Mapping[str, str], live: Mapping[str, str]) -> set[str]:
    return {name for name in declared.keys() & live.keys() if declared[name] != live[name]}


def _files(archive: bytes) -> dict[str, str]:
    """The hash of each file, without bytecode, which depends on the builder's Python."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as code:
            return {
                name: content_hash(code.read(name))
                for name in code.namelist()
                if not name.endswith(("/", ".pyc"))
            }
    except zipfile.BadZipFile as error:
        raise CodeUnavailable(f"it is no zip file ({error})") from None


def _downloaded(context: Context, url: str) -> bytes:
    # The local cloud is on loopback; AWS may be reachable only through the host's proxy.
    proxies = urllib.request.ProxyHandler({} if context.deployment.is_local else None)
    opener = urllib.request.build_opener(proxies)
    try:
        with opener.open(url, timeout=DOWNLOAD_TIMEOUT_SECONDS) as answer:
            return answer.read()
    except (OSError, ValueError) as error:
        raise CodeUnavailable(str(error)) from None
