from pathlib import Path

from client.running_cloud import OUTPUTS_FILE, is_held, running_outputs
from local.state_folder import StateFolder


def test_the_first_free_folder_is_taken(tmp_path: Path) -> None:
    with StateFolder.claim(tmp_path) as first, StateFolder.claim(tmp_path) as second:
        assert [first.path.name, second.path.name] == [".local", ".local-2"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_given_up_is_taken_again(tmp_path: Path) -> None:
    with StateFolder.claim(tmp_path):
        pass
    with StateFolder.claim(tmp_path) as folder:
        assert folder.path.name == ".local"


def test_what_a_dead_run_left_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / ".local" / "emulator-1" / "state"
    stale.mkdir(parents=True)
    (tmp_path / ".local" / OUTPUTS_FILE).write_text("{}")
    with StateFolder.claim(tmp_path) as folder:
        assert [path.name for path in folder.path.iterdir()] == ["lock"]


def test_a_folder_is_held_as_long_as_its_claim(tmp_path: Path) -> None:
    with StateFolder.claim(tmp_path) as folder:
        assert is_held(folder.path)
    assert not is_held(folder.path)


def test_a_run_that_is_not_ready_is_not_running(tmp_path: Path) -> None:
    with StateFolder.claim(tmp_path) as folder:
        assert running_outputs(tmp_path) is None
        (folder.path / OUTPUTS_FILE).write_text('{"region": "us-east-1"}')
        assert running_outputs(tmp_path) == (folder.path, {"region": "us-east-1"})


def test_the_outputs_of_a_dead_run_are_not_taken_for_a_living_ones(tmp_path: Path) -> None:
    dead = tmp_path / ".local"
    dead.mkdir()
    (dead / OUTPUTS_FILE).write_text("{}")
    (dead / "lock").touch()
    assert running_outputs(tmp_path) is None


def test_the_lowest_number_that_runs_is_found(tmp_path: Path) -> None:
    first, second = StateFolder.claim(tmp_path), StateFolder.claim(tmp_path)
    for folder in (first, second):
        (folder.path / OUTPUTS_FILE).write_text("{}")
    assert running_outputs(tmp_path) == (first.path, {})
    assert running_outputs(tmp_path, ".local-2") == (second.path, {})
    assert running_outputs(tmp_path, ".local-3") is None
    first.release()
    assert running_outputs(tmp_path) == (second.path, {})
    second.release()
