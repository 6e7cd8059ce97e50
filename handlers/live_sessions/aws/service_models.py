"""botocore's service models, found and read in a fraction of the time.

botocore lists the folders of its four hundred services to find that of one, and reads JSON with a
hook for every object; both take longer than all the rest of building a client
(benchmarks/cold_start.py).
"""

import gzip
from collections.abc import Iterable
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader


class ModelFiles(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """The JSON of a file named without its suffix; None when there is none."""
        for suffix, open_file in ((".json", open), (".json.gz", gzip.open)):
            try:
                with open_file(file_path + suffix, "rb") as file:
                    return msgspec.json.decode(file.read())
            except FileNotFoundError:
                continue
        return None


class NamedServices(Loader):
    """Knows of the services it is told of and no others."""

    def __init__(self, services: Iterable[str]) -> None:
        super().__init__(file_loader=ModelFiles())
        self._services = sorted(services)

    def list_available_services(self, type_name: str) -> list[str]:
        return self._services
