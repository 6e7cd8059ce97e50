"""`make clean` runs this first: it fails if a local cloud is running, whose files it would delete.

It runs without the virtual environment, on the standard library alone.
"""

import sys
from pathlib import Path

from client.running_cloud import PROJECT_ROOT, is_held, state_folders


def main(root: Path = PROJECT_ROOT) -> int:
    """Return the exit code: 1 if a local cloud is running in the project."""
    held = [f"{path.name}/" for path in state_folders(root) if is_held(path)]
    if held:
        print(f"a local cloud is running in {', '.join(held)}: end it first", file=sys.stderr)
    return 1 if held else 0


if __name__ == "__main__":
    sys.exit(main())
