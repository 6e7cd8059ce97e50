"""`python -m operations.protocol`: the command line of `make protocol`."""

import sys
from pathlib import Path

from operations.protocol.asyncapi import asyncapi
from operations.protocol.protocol import protocol
from operations.protocol.typescript import typescript

ROOT = Path(__file__).resolve().parents[2]
TYPESCRIPT = Path("clients/typescript/src/protocol.ts")
ASYNCAPI = Path("docs/asyncapi.yaml")


def generated() -> dict[Path, str]:
    """The text of each generated file, by its path in the repository."""
    made = protocol()
    return {TYPESCRIPT: typescript(made), ASYNCAPI: asyncapi(made)}


def main(root: Path = ROOT) -> int:
    """Write the files that have changed, and print what was done with each."""
    for path, text in generated().items():
        file = root / path
        is_current = file.exists() and file.read_text(encoding="utf-8") == text
        if not is_current:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        print(f"{path} {'is current' if is_current else 'was written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
