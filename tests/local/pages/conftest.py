from tests.local.emulator.conftest import api, authorized_api, emulator

__all__ = ["api", "authorized_api", "emulator"]
