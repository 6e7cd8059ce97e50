"""Published versions and aliases, where MiniStack differs from Lambda.

- An event for an alias has the alias's asynchronous settings: retries, age, destination. MiniStack
  looks for them in the version, which has none.
- Reserved concurrency is shared by all versions. MiniStack applies it to $LATEST alone.
- The idle environments of a version that no alias is on end. MiniStack keeps one for every version,
  so each reload of the local cloud would leave a process for each function.
- AddPermission of a statement that is there already succeeds. AWS's provider may repeat one whose
  answer it did not get, and then waits five minutes for the conflict to pass.
- GetFunction says where a version's code is. MiniStack always says where that of $LATEST is.
"""

import json
import time
from http import HTTPStatus
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

LATEST = "$LATEST"

_invoke_async_with_retry = lambda_svc.invoke_async_with_retry
_reserved_concurrency = lambda_svc._reserved_concurrency
_reap_idle_workers = lambda_svc.reap_idle_workers
_get_function = lambda_svc._get_function
_add_permission = lambda_svc._add_permission
_serve_function_code = lambda_svc.serve_function_code

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace MiniStack's functions, which it looks up at each call."""
    lambda_svc.invoke_async_with_retry = _invoke_with_settings_of_alias
    lambda_svc._reserved_concurrency = _reserved_concurrency_of_function
    lambda_svc.reap_idle_workers = _reap_also_old_versions
    lambda_svc._get_function = _get_function_with_its_code
    lambda_svc._add_permission = _add_permission_once
    lambda_svc.serve_function_code = _serve_code_of_version


def _function(account_id: str, region: str, name: str) -> dict[str, Any]:
    return lambda_svc._functions.get_scoped(account_id, region, name) or {}


def _invoke_with_settings_of_alias(record: dict[str, Any], event: Any) -> None:
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME, then the alias or version, if any.
    _, _, _, region, account_id, _, name, *qualifier = record["config"]["FunctionArn"].split(":")
    if qualifier:
        function = _function(account_id, region, name)
        settings = lambda_svc._event_invoke_config(function, *qualifier)
        record = {**record, "event_invoke_config": settings}
    _invoke_async_with_retry(record, event)


def _reserved_concurrency_of_function(_: dict[str, Any], config: dict[str, Any]) -> int | None:
    account_id, region = lambda_svc._account_region_from_function_config(config)
    return _reserved_concurrency(_function(account_id, region, config["FunctionName"]), config)


def _reap_also_old_versions(ttl: float | None = None) -> int:
    reaped = _reap_idle_workers(ttl)
    longest_idle = lambda_runtime._LOCAL_WORKER_TTL if ttl is None else ttl
    idle_since = time.time() - longest_idle
    ending: list[lambda_runtime.Worker] = []
    with lambda_runtime._lock:
        for key, workers in list(lambda_runtime._workers.items()):
            if _is_served(*key.split(":")):
                continue
            kept = [each for each in workers if each.in_use or each.last_used > idle_since]
            ending += [each for each in workers if each not in kept]
            lambda_runtime._workers[key] = kept
            if not kept:
                del lambda_runtime._workers[key]
    lambda_runtime.kill_workers(ending)
    return reaped + len(ending)


def _is_served(account_id: str, region: str, name: str, version: str) -> bool:
    aliases = _function(account_id, region, name).get("aliases", {}).values()
    return version == LATEST or version in {each["FunctionVersion"] for each in aliases}


def _add_permission_once(name: str, data: dict[str, Any], *where: Any) -> Response:
    answer = _add_permission(name, data, *where)
    if answer[0] != HTTPStatus.CONFLICT:
        return answer
    statements = lambda_svc._functions[name]["policy"]["Statement"]
    there = next(each for each in statements if each["Sid"] == data["StatementId"])
    statements.remove(there)
    repeated = _add_permission(name, data, *where)
    if statements[-1] == there:
        return repeated
    statements[-1] = there
    return answer


def _get_function_with_its_code(name: str, qualifier: str | None = None) -> Response:
    status, headers, body = _get_function(name, qualifier)
    answer = json.loads(body)
    version = answer.get("Configuration", {}).get("Version", LATEST)
    if version == LATEST:
        return status, headers, body
    code = answer["Code"]
    code["Location"] = code["Location"].replace(f"/{name}?", f"/{name}:{version}?")
    return status, headers, json.dumps(answer).encode()


def _serve_code_of_version(location: str, account_id: str, region: str) -> Response:
    name, _, version = location.partition(":")
    if not version:
        return _serve_function_code(name, account_id, region)
    found = _function(account_id, region, name).get("versions", {}).get(version)
    if found is None:
        return 404, {"Content-Type": "text/plain"}, b"Version not found"
    return 200, {"Content-Type": "application/zip"}, found["code_zip"]
