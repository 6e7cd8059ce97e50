"""A small storm: several speakers who begin at once on a cloud that nobody has used yet."""

from pathlib import Path

import pytest

from benchmarks.storm import script, storm

SPEAKERS = 3
SENTENCES = 4


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the processes from /proc")
def test_nothing_is_lost_when_several_people_begin_to_speak_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    is_whole = storm(SPEAKERS, script(SENTENCES))
    assert is_whole, capsys.readouterr().out
