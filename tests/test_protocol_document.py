"""docs/protocol.md and the code state the same facts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.actions import ACTIONS
from contract.handshake import BEARER_PREFIX, SUBPROTOCOL, SUBPROTOCOL_HEADER, TOKEN_PARAMETER
from contract.languages import TARGET_LANGUAGES
from live_sessions.audio.chunks import (
    CLOSED_AFTER_SECONDS,
    GAP_SECONDS,
    WARNED_AFTER_SECONDS,
)
from live_sessions.audio.ingest import LONGEST_BYTES, SHORTEST_BYTES
from live_sessions.wire.language_tags import looked_up, spoken_language
from live_sessions.wire.requests import AUDIO_MESSAGES, CONTROL_MESSAGES
from tests.protocol_facts import code_facts
from tests.protocol_page import BLOCK, NAME, PAGE, config_keys, language_tags, page_facts, prose

PULUMI_YAML = Path(__file__).parents[1] / "Pulumi.yaml"
RATES = re.compile(r"Per(Second|Minute|Hour)$")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_]+")
# A stack output, and a query parameter of the local cloud.
OTHER_NAMES = {"websocketUrl", "connectionAgeMinutes"}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


def declared_config(page: str) -> dict[str, Any]:
    """Returns what Pulumi.yaml declares for the keys on the page and for every rate limit."""
    declared = yaml.safe_load(PULUMI_YAML.read_text())["config"]
    on_page = config_keys(page)
    return {key: each for key, each in declared.items() if key in on_page or RATES.search(key)}


def differences(page: str) -> list[str]:
    documented, coded = page_facts(page), code_facts(declared_config(page))
    return sorted(
        [f"only on the page: {fact}" for fact in documented - coded]
        + [f"only in the code: {fact}" for fact in coded - documented]
    )


def test_the_page_and_the_code_state_the_same_facts(page: str) -> None:
    assert differences(page) == []


CHANGES = {
    "an action is missing": (r"\| \[`muteBroadcast`.*\n", ""),
    "an action is invented": (
        r"(\| \[`setVolume`)(.*\n)",
        r"| [`sing`](#x) | speaker | `sung` | |\n\1\2",
    ),
    "an action has a different role": (
        r"(\[`endSession`\]\(#endsession\) \|) speaker",
        r"\1 both",
    ),
    "a reply is different": (r"`playbackPaused` \| \|", "`playbackResumed` | |"),
    "a frame to the listeners is missing": (
        r"(`volumeChanged` \|) to each listener: the same",
        r"\1",
    ),
    "a frame to the listeners is invented": (
        r"(`sessionCreated` \|) \|",
        r"\1 to each listener: the same |",
    ),
    "a frame to the sender is missing": (r", `connectionWarning` \|", " |"),
    "an action without a reply has one": (
        r"(`sendAudio`\]\(#sendaudio\) \| speaker \|) none",
        r"\1 `received`",
    ),
    "a frame to the sender is missing beside one to the listeners": (
        r", `transcriptionError`; to each",
        "; to each",
    ),
    "a frame to the listeners is missing beside one to the sender": (
        r"; to each listener: `caption`",
        "",
    ),
    "the frame to the speaker is different": (
        r"to the speaker: `sessionStatus`",
        "to the speaker: `x`",
    ),
    "a message's field is missing": (r"\| `qualityTier` \| `standard`.*\n", ""),
    "a message's field has a different type": (r"(`state.isMuted` \|) boolean", r"\1 string"),
    "a length limit is different": (r"string of 1 to 128", "string of 1 to 129"),
    "a range is different": (r"(`volumeLevel` \| number from 0 to) 1", r"\1 2"),
    "the range of an integer is different": (r"to 9007199254740991", "to 9007199254740992"),
    "a required field is optional": (r"(`volumeLevel` .*\|) yes", r"\1 no"),
    "a default is different": (r"no: `standard`", "no: `premium`"),
    "a frame's field is missing": (r"\| `pausedSeconds`.*\n", ""),
    "a frame's field is invented": (
        r"(\| `maker`)?(\| `remainingMinutes`)",
        r"| `x` | string | |\n\2",
    ),
    "a frame's field has a different type": (r"(`listenerCount` \|) integer", r"\1 number"),
    "a frame has a different name": (r"\| `stateRestored` \| type", "| `stateRestore` | type"),
    "a field of the broadcast state is missing": (r"\| `isActive`.*\n", ""),
    "an error code is missing": (r"\| `STATUS_TIMEOUT`.*\n", ""),
    "an error code is invented": (r"(\| `STATUS_TIMEOUT`)", r"| `TOO_LOUD` | a | b |\n\1"),
    "an error's details are missing": (r"\| `RATE_LIMITED` \| `retry.*\n", ""),
    "an error's detail is different": (r"`maxListeners` \|", "`most` |"),
    "an error's details are invented": (
        r"(\| `AUDIO_TOO_LARGE` \| `bytes`)",
        r"| `INVALID_AUDIO` | `bytes` |\n\1",
    ),
    "an end reason is missing": (r"\| `operator`.*\n", ""),
    "an update reason is invented": (r"(\| `periodic`)", r"| `sometimes` | x |\n\1"),
    "a language is missing": (r"`sq`, ", ""),
    "a language is invented": (r"`sq`, ", "`sq`, `tlh`, "),
    "a source language is missing": (r"\| `vi` \| `vi-VN` \|\n", ""),
    "an accent is missing": (r"`ar-SA`, `ar-AE`", "`ar-SA`"),
    "another accent is the usual one": (r"`de-DE`, `de-CH`", "`de-CH`, `de-DE`"),
    "a setting's default is different": (r"(`maxListenersPerSession` \|) 500", r"\1 600"),
    "a rate limit is missing": (r"\| .*`joinsPerAddressPerMinute`.*\n", ""),
    "a setting is invented": (r"(\| .*`joinsPer)", r"| x | `dancesPerMinute` | 5 |\n\1"),
    "the length limit of requestId is different": (
        r"at most 64 characters",
        "at most 65 characters",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_deviation_of_the_page_from_the_code_is_found(page: str, change: str) -> None:
    changed, count = re.subn(*CHANGES[change], page, count=1)
    assert count == 1
    assert differences(changed), change


def test_the_text_uses_only_names_that_the_protocol_defines(page: str) -> None:
    """Every quoted word in camelCase or capitals appears in the tables; regions have two."""
    known = {word for fact in page_facts(page) for word in WORD.findall(fact)} | OTHER_NAMES
    names = {word for quoted in NAME.findall(prose(page)) for word in WORD.findall(quoted)}
    protocol_names = {name for name in names if re.search(r"[a-z][A-Z]|^[A-Z_]{3,}$", name)}
    assert protocol_names - known == set()


def test_the_page_states_the_size_limits_of_messages(page: str) -> None:
    control, audio = CONTROL_MESSAGES.limit_bytes, AUDIO_MESSAGES.limit_bytes
    assert f"at most {control:,} bytes, with `sendAudio` {audio:,};" in page


def test_the_tags_on_the_page_stand_for_the_languages_beside_them(page: str) -> None:
    tags = language_tags(page)
    assert len(tags) >= 20
    assert {tag: looked_up(tag, TARGET_LANGUAGES) for tag, _ in tags} == dict(tags)


def test_the_page_states_the_longest_tag_and_the_accents_of_its_examples(page: str) -> None:
    text = " ".join(page.split())
    assert "tag of at most 35 characters" in text
    assert "the one that the tag names (`en-GB`), or else the first (`de-AT` is `de-DE`)" in text
    locales = {tag: spoken_language(tag).locale for tag in ("en-GB", "de-AT", "zh-HK", "yue")}
    assert locales == {"en-GB": "en-GB", "de-AT": "de-DE", "zh-HK": "zh-HK", "yue": "zh-HK"}


def test_the_page_states_how_a_token_is_sent(page: str) -> None:
    assert f"{SUBPROTOCOL_HEADER}: {SUBPROTOCOL}, {BEARER_PREFIX}<token>\n" in page
    assert f"`?{TOKEN_PARAMETER}=<token>`" in page
    in_the_url = page.index("The token in the URL, for all of them")
    libraries = page[page.index("## Client libraries") : in_the_url]
    blocks = BLOCK.findall(libraries)
    assert len(blocks) > 5
    for block in blocks:
        assert block.count(SUBPROTOCOL) == block.count(BEARER_PREFIX) > 0
    for block in BLOCK.findall(page[in_the_url : page.index("## An example")]):
        assert f"?{TOKEN_PARAMETER}=" in block


def test_the_page_states_the_rules_for_audio(page: str) -> None:
    text = " ".join(page.split())
    assert f"at least {SHORTEST_BYTES} and at most {LONGEST_BYTES:,} bytes" in text
    assert f"waits {GAP_SECONDS:g} s for a missing chunk" in text
    assert f"After {WARNED_AFTER_SECONDS} s over the limit" in text
    assert f"after {CLOSED_AFTER_SECONDS} s the socket is closed" in text
    assert f"too many audio chunks were sent for {CLOSED_AFTER_SECONDS} s" in text


def test_each_link_within_the_page_points_to_a_heading(page: str) -> None:
    text = prose(page)
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(text)
    }
    links = set(re.findall(r"(?:\(|\]: )#([\w-]+)", text))
    assert len(links) > 10
    assert links - anchors == set()


def test_the_section_that_an_action_links_to_describes_it(page: str) -> None:
    sections = re.split(r"^###? (.+)$", page, flags=re.MULTILINE)
    described = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): title + text
        for title, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    targets = dict(re.findall(r"^\[(\w+)\]: #(\S+)$", page, flags=re.MULTILINE))
    links = re.findall(r"^\| \[`(\w+)`\](?:\(#(.+?)\)|\[(\w+)\])", page, flags=re.MULTILINE)
    assert {action for action, _, _ in links} == set(ACTIONS)
    for action, anchor, reference in links:
        assert f"`{action}`" in described[anchor or targets[reference]], action
