"""What is told of a function whose module cannot be imported."""

import io
import zipfile
from collections.abc import Callable

from tests.local.emulator.sockets import Route, SocketApi, eventually


def test_a_failed_import_is_in_the_functions_log_and_not_told_to_the_client(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("probe.py", "import a_module_that_is_missing\n")
    api.emulator.client("lambda").update_function_code(
        FunctionName=api.function_arn, ZipFile=code.getvalue()
    )
    with api.connect() as socket:
        frame = api.ask(socket)
    assert frame.keys() == {"message", "connectionId", "requestId"}
    assert frame["message"] == "Internal server error"
    logs = api.emulator.client("logs")
    group = "/aws/lambda/" + api.function_arn.rsplit(":", 1)[1]

    def reason_is_logged() -> bool:
        texts = [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]
        return any(
            text.startswith("[ERROR]") and "No module named 'a_module_that_is_missing'" in text
            for text in texts
        )

    eventually(reason_is_logged, "the reason in the function's log")
