"""The scenarios of each function."""

from __future__ import annotations

from collections.abc import Mapping

from tests.handlers.faults.audio_scenarios import AUDIO_INGEST
from tests.handlers.faults.background_scenarios import DISCONNECT, FAN_OUT, TICKS
from tests.handlers.faults.client_scenarios import CONNECTION, HEARTBEAT, REFRESH, speaker_sends
from tests.handlers.faults.reconcile_scenarios import RECONCILE
from tests.handlers.faults.setting import Scenario
from tests.handlers.faults.translation_scenarios import TRANSLATION

SCENARIOS: Mapping[str, Mapping[str, Scenario]] = {
    "connection": CONNECTION,
    "disconnect": DISCONNECT,
    "heartbeat": HEARTBEAT,
    "refresh": REFRESH,
    "session_status": {"getSessionStatus": speaker_sends("getSessionStatus"), **TICKS},
    "fan_out": FAN_OUT,
    "reconcile": RECONCILE,
    "translation": TRANSLATION,
    "audio_ingest": AUDIO_INGEST,
}
ENTRIES = [
    (function, scenario) for function, scenarios in SCENARIOS.items() for scenario in scenarios
]
