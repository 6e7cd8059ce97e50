"""State that outlives the server: MiniStack's own, and what the websocket gateway has deployed.

Off unless PERSIST_STATE is 1; all files are in STATE_DIR. MiniStack reads its own when it starts.
The mark says that all of it belongs together.
"""

from pathlib import Path

from ministack.app import _build_persistence_save_dict
from ministack.core.persistence import PERSIST_STATE, STATE_DIR, save_all
from websocket_gateway import deployments

# process.py looks for it.
SAVED_MARK = Path(STATE_DIR) / "saved"
DEPLOYMENTS = Path(STATE_DIR) / "websocket-deployments.json"


def restore() -> None:
    """Read the deployments of the run before; what is saved is no longer complete from now on."""
    if not PERSIST_STATE:
        return
    if DEPLOYMENTS.exists():
        deployments.restore(DEPLOYMENTS.read_text())
    SAVED_MARK.unlink(missing_ok=True)


def save() -> None:
    """Write everything; raises OSError if a service's file cannot be written.

    MiniStack itself only logs such an error, and leaves the file of the last run.
    """
    if not PERSIST_STATE:
        return
    services = _build_persistence_save_dict()
    files = {service: Path(STATE_DIR) / f"{service}.json" for service in services}
    for path in files.values():
        path.unlink(missing_ok=True)
    save_all(services)
    for service, path in files.items():
        if not path.exists():
            raise OSError(f"the state of {service} was not saved")
    unfinished = DEPLOYMENTS.with_suffix(".new")
    unfinished.write_text(deployments.saved())
    unfinished.rename(DEPLOYMENTS)
    SAVED_MARK.touch()
