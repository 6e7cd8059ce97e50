"""A flood on one socket meets the limits of the stack as it is committed."""

from collections import Counter

import yaml

from local.cloud import LocalCloud
from program.stack_config import ROOT
from tests.local.protocol.people import session_of

REPLY_TIMEOUT_SECONDS = 110
BY_ADDRESS_OR_USER = {
    "sessionsPerUserPerHour",
    "joinsPerAddressPerMinute",
    "joinMissesPerAddressPerMinute",
    "connectionsPerAddressPerMinute",
    "statusQueriesPerSpeakerPerMinute",
    "audioSlotsPerUser",
}


def test_a_flood_of_controls_on_one_socket_is_refused_for_its_rate(cloud: LocalCloud) -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    limit = declared["controlsPerConnectionPerMinute"]["default"]
    listener = session_of(cloud, "es").listener
    asked = [listener.send("pausePlayback") for _ in range(2 * limit + 60)]
    frames = [listener.answer_to(each, REPLY_TIMEOUT_SECONDS) for each in asked]
    answers = Counter(frame.get("code") or frame.type for frame in frames)
    assert answers.keys() == {"playbackPaused", "RATE_LIMITED"}
    assert answers["RATE_LIMITED"] >= 60, "two minutes of the clock admit twice the limit"
    assert session_of(cloud, "es").listener.ask("pausePlayback").type == "playbackPaused"


def test_the_local_cloud_raises_only_what_counts_by_address_or_user() -> None:
    local = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"]
    raised = {key.partition(":")[2] for key in local if "Per" in key}
    assert raised == BY_ADDRESS_OR_USER
