"""What every local cloud serves: the emulator and the speech stand-ins, as one context manager."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from client.account import Account
from local.emulator.process import HOST, Continued, Emulator
from local.speech.process import SpeechServices
from local.speech.recognisers import Recognition

ALIVE_TIMEOUT_SECONDS = 5.0
CLIENT_TIMEOUT_VARIABLE = "AWS_CLIENT_TIMEOUT_SCALE"
"""Multiplies the time limits of the functions' AWS calls, which are mostly one second."""


class Services:
    """The emulator, the stand-ins that it names to the functions, and the account's root.

    All files are in `folder`. The parameters are those of `Emulator` and `SpeechServices`, whose
    errors starting raises, and leaves nothing running then; so does stopping, if a state that is to
    be continued was not saved.
    """

    account: Account
    emulator: Emulator

    def __init__(
        self,
        folder: Path,
        *,
        recognition: Recognition = Recognition.SPEECH,
        least_time_limit_seconds: int = 0,
        continued: Continued | None = None,
    ) -> None:
        self.speech = SpeechServices(folder, recognition)
        self._folder = folder
        self._least_time_limit_seconds = least_time_limit_seconds
        self._continued = continued
        self._cleanup = ExitStack()

    def start(self) -> None:
        """Start both; `speech.wait_until_ready()` waits for the stand-ins, which take longer."""
        with ExitStack() as starting:
            starting.enter_context(self.speech)
            self.emulator = Emulator(
                self._folder,
                environment={
                    **self.speech.environment,
                    CLIENT_TIMEOUT_VARIABLE: str(max(1, self._least_time_limit_seconds)),
                },
                least_time_limit_seconds=self._least_time_limit_seconds,
                continued=self._continued,
            )
            # On a thread, so that no signal interrupts between starting a process and recording it.
            with ThreadPoolExecutor(1) as thread:
                # A pool does not wait for a thread whose start was interrupted: first an idle one.
                thread.submit(int).result()
                thread.submit(starting.enter_context, self.emulator).result()
                thread.submit(self.speech.start, self.emulator.url).result()
            self.account = Account(
                url=self.emulator.url,
                region=self.emulator.region,
                account_id=self.emulator.account_id,
                access_key_id=self.emulator.access_key_id,
                secret_access_key=self.emulator.secret_access_key,
            )
            self.account.save(self._folder)
            self._cleanup = starting.pop_all()

    def stop(self) -> None:
        """End all processes and remove their files."""
        self._cleanup.close()

    def ending(self) -> str | None:
        """Return which process has ended by itself, with the end of its log; None while all run."""
        try:
            socket.create_connection((HOST, self.emulator.port), ALIVE_TIMEOUT_SECONDS).close()
        except OSError:
            return f"the emulator ended by itself:\n{self.emulator.log_tail()}"
        if not self.speech.is_running:
            return f"the speech stand-ins ended by themselves:\n{self.speech.log_tail()}"
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
