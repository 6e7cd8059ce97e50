"""docs/protocol.md says what the code does: each fact of the one is a fact of the other."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from live_sessions.audio.chunk_order import GAP_SECONDS
from live_sessions.audio.chunk_rate import CLOSED_AFTER_SECONDS, WARNED_AFTER_SECONDS
from live_sessions.audio.chunks import LONGEST_BYTES, SHORTEST_BYTES
from live_sessions.pcm import SAMPLE_RATE_HZ
from live_sessions.protocol import ACTIONS, AUDIO_MESSAGES, CONTROL_MESSAGES
from tests.protocol_facts import code_facts
from tests.protocol_page import NAME, PAGE, config_keys, page_facts

PULUMI_YAML = Path(__file__).parents[1] / "Pulumi.yaml"
RATES = re.compile(r"Per(Second|Minute|Hour)$")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_]+")
# Of the stack's outputs, and of the local cloud.
OTHER_NAMES = {"websocketUrl", "connectionAgeMinutes"}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


def declared_config(page: str) -> dict[str, Any]:
    """What Pulumi.yaml declares of the keys that the page has, and of every rate."""
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
    "an action is gone": (r"\| \[`muteBroadcast`.*\n", ""),
    "an action is made up": (
        r"(\| \[`setVolume`)(.*\n)",
        r"| [`sing`](#x) | speaker | `sung` | |\n\1\2",
    ),
    "an action has another role": (
        r"(\[`endSession`\]\(#endsession\) \|) speaker",
        r"\1 both",
    ),
    "a reply is another": (r"`playbackPaused` \| \|", "`playbackResumed` | |"),
    "listeners are not told": (r"(`volumeChanged` \|) to each listener: the same", r"\1"),
    "others are told what they are not": (
        r"(`sessionCreated` \|) \|",
        r"\1 to each listener: the same |",
    ),
    "a post is gone": (r", `connectionWarning` \|", " |"),
    "an action without a reply has one": (
        r"(`sendAudio`\]\(#sendaudio\) \| speaker \|) none",
        r"\1 `heard`",
    ),
    "a post beside what listeners get is gone": (r", `transcriptionError`; to each", "; to each"),
    "what listeners get beside a post is gone": (r"; to each listener: `caption`", ""),
    "a speaker's status is another frame": (
        r"to the speaker: `sessionStatus`",
        "to the speaker: `x`",
    ),
    "a message's field is gone": (r"\| `qualityTier` \| `standard`.*\n", ""),
    "a message's field is of another type": (r"(`state.isMuted` \|) boolean", r"\1 string"),
    "a bound is another": (r"string of 1 to 128", "string of 1 to 129"),
    "a range is another": (r"(`volumeLevel` \| number from 0 to) 1", r"\1 2"),
    "the bound of a whole number is another": (r"to 9007199254740991", "to 9007199254740992"),
    "a required field is optional": (r"(`volumeLevel` .*\|) yes", r"\1 no"),
    "a default is another": (r"no: `standard`", "no: `premium`"),
    "a frame's field is gone": (r"\| `pausedSeconds`.*\n", ""),
    "a frame's field is made up": (
        r"(\| `maker`)?(\| `remainingMinutes`)",
        r"| `x` | string | |\n\2",
    ),
    "a frame's field is of another type": (r"(`listenerCount` \|) integer", r"\1 number"),
    "a frame has another name": (r"\| `stateRestored` \| type", "| `stateRestore` | type"),
    "a state's field is gone": (r"\| `isActive`.*\n", ""),
    "an error code is gone": (r"\| `STATUS_TIMEOUT`.*\n", ""),
    "an error code is made up": (r"(\| `STATUS_TIMEOUT`)", r"| `TOO_LOUD` | a | b |\n\1"),
    "an error's details are gone": (r"\| `RATE_LIMITED` \| `retry.*\n", ""),
    "an error's detail is another": (r"`maxListeners` \|", "`most` |"),
    "an error's details are made up": (
        r"(\| `AUDIO_TOO_LARGE` \| `bytes`)",
        r"| `INVALID_AUDIO` | `bytes` |\n\1",
    ),
    "an end reason is gone": (r"\| `operator`.*\n", ""),
    "an update reason is made up": (r"(\| `periodic`)", r"| `sometimes` | x |\n\1"),
    "a language is gone": (r"`sq`, ", ""),
    "a language is made up": (r"`sq`, ", "`sq`, `tlh`, "),
    "a setting's default is another": (r"(`maxListenersPerSession` \|) 500", r"\1 600"),
    "a rate is gone": (r"\| .*`joinsPerAddressPerMinute`.*\n", ""),
    "a setting is made up": (r"(\| .*`joinsPer)", r"| x | `dancesPerMinute` | 5 |\n\1"),
    "a requestId may be longer": (r"at most 64 characters", "at most 65 characters"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_that_is_changed_is_told_from_the_code(page: str, change: str) -> None:
    changed, count = re.subn(*CHANGES[change], page, count=1)
    assert count == 1
    assert differences(changed), change


def test_the_text_names_nothing_that_the_protocol_does_not_have(page: str) -> None:
    """Whatever looks like an action, a field, a value or a code is among the facts."""
    known = {word for fact in page_facts(page) for word in WORD.findall(fact)} | OTHER_NAMES
    prose = page[: page.index("```")]
    names = {word for quoted in NAME.findall(prose) for word in WORD.findall(quoted)}
    looking_like_ours = {name for name in names if re.search(r"[a-z][A-Z]|^[A-Z_]+$", name)}
    assert looking_like_ours - known == set()


def test_the_page_has_the_limits_of_a_message(page: str) -> None:
    control, audio = CONTROL_MESSAGES.limit_bytes, AUDIO_MESSAGES.limit_bytes
    assert f"at most {control:,} bytes, with `sendAudio` {audio:,};" in page


def test_the_page_has_the_rules_of_audio(page: str) -> None:
    text = " ".join(page.split())
    assert f"mono, {SAMPLE_RATE_HZ:,} a second" in text
    assert f"at least {SHORTEST_BYTES} and at most {LONGEST_BYTES:,} bytes" in text
    assert f"is waited for, for {GAP_SECONDS:g} s" in text
    assert f"goes on for {WARNED_AFTER_SECONDS} s is warned" in text
    assert f"after {CLOSED_AFTER_SECONDS} s his socket is closed" in text
    assert f"too many chunks of audio were sent, for {CLOSED_AFTER_SECONDS} s" in text


def test_each_link_within_the_page_leads_to_a_heading(page: str) -> None:
    prose = page[: page.index("```")]
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(prose)
    }
    links = set(re.findall(r"(?:\(|\]: )#([\w-]+)", prose))
    assert len(links) > 10
    assert links - anchors == set()


def test_each_action_is_told_of_where_its_link_leads(page: str) -> None:
    sections = re.split(r"^###? (.+)$", page, flags=re.MULTILINE)
    told = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): title + text
        for title, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    targets = dict(re.findall(r"^\[(\w+)\]: #(\S+)$", page, flags=re.MULTILINE))
    links = re.findall(r"^\| \[`(\w+)`\](?:\(#(.+?)\)|\[(\w+)\])", page, flags=re.MULTILINE)
    assert {action for action, _, _ in links} == set(ACTIONS)
    for action, anchor, reference in links:
        assert f"`{action}`" in told[anchor or targets[reference]], action
