"""A caption to more listeners than one page holds, on the local cloud with IAM enforced."""

from __future__ import annotations

from local.cloud import LocalCloud
from tests.local.test_needed_statements import invoke, session_of_two_pages

TEXT = "Good evening, everybody."


def test_a_caption_reaches_a_listener_among_more_than_a_page(cloud: LocalCloud) -> None:
    """The others are rows whose sockets are gone."""
    session_id = session_of_two_pages(cloud)
    listener = cloud.listener()
    joined = listener.ask("joinSession", sessionId=session_id, targetLanguage="en")
    assert joined.type == "sessionJoined"
    transcript = {
        "sessionId": session_id,
        "sequence": 1,
        "sourceLanguage": "en",
        "text": TEXT,
        "isPartial": False,
        "spokenAt": 1,
    }
    invoke(cloud, "translation", transcript)
    assert listener.expect("caption")["text"] == TEXT
    lines = cloud.function_log("fan_out")
    pages = [
        line.fields
        for line in lines
        if line.fields.get("message") == "page of a caption"
        and line.fields.get("session") == session_id
    ]
    assert sorted(page["posted"] + page["gone"] for page in pages) == [2, 500]
    assert sum(page["posted"] for page in pages) == 1
    invoke(cloud, "translation", {**transcript, "sequence": 2})
    assert listener.expect("caption")["sequence"] == 2
    assert [each["sequence"] for each in listener.captions()] == [1, 2], "each once"
