import json

from local.function_logs import LogLine


def test_the_stack_trace_of_an_exception_is_shown_once() -> None:
    fields = {
        "level": "ERROR",
        "message": "failed",
        "exception": "Traceback: boom",
        "stack_trace": {"value": "boom"},
    }
    shown = LogLine("stream", 0, json.dumps(fields)).for_people("connection")
    assert shown.endswith("ERROR  failed  exception=Traceback: boom")
