"""Real translation where Apertium is installed, text marked as a stand-in elsewhere."""

import shutil
import subprocess
import threading
from collections.abc import Set

TIMEOUT_SECONDS = 5.0
MAX_AT_ONCE = 4
# Apertium's codes of the languages for which Debian packages released data.
LANGUAGES = {
    "af": "afr",
    "ca": "cat",
    "da": "dan",
    "en": "eng",
    "es": "spa",
    "es-MX": "spa",
    "fr": "fra",
    "fr-CA": "fra",
    "id": "ind",
    "is": "isl",
    "it": "ita",
    "mk": "mkd",
    "ms": "zlm",
    "nl": "nld",
    "no": "nob",
    "pt": "por",
    "pt-PT": "por",
    "ro": "ron",
    "sv": "swe",
}


class Translator:
    """Translates by `apertium SOURCE-TARGET`, one process for each text, a few at a time.

    With `is_real=False` it only marks texts, so that results are the same on every machine.
    """

    def __init__(self, *, is_real: bool = True) -> None:
        self._places = threading.Semaphore(MAX_AT_ONCE)
        self._command = (shutil.which("apertium") or "") if is_real else ""
        self._modes = frozenset(self._run(["-l"], "").split() if self._command else ())

    @property
    def modes(self) -> Set[str]:
        """Apertium's installed language pairs, such as `eng-spa`."""
        return self._modes

    def translate(self, text: str, source: str, target: str) -> str:
        """Return the translation, or `[es] text` if the pair is not installed or Apertium fails."""
        mode = f"{LANGUAGES.get(source)}-{LANGUAGES.get(target)}"
        translated = self._run(["-u", mode], text) if mode in self._modes else ""
        return translated.strip() or f"[{target}] {text}"

    def _run(self, arguments: list[str], text: str) -> str:
        """Return the command's output, empty if it fails."""
        with self._places:
            try:
                ran = subprocess.run(
                    [self._command, *arguments],
                    input=text.replace("\0", " "),
                    capture_output=True,
                    encoding="utf-8",
                    check=True,
                    timeout=TIMEOUT_SECONDS,
                )
            except (subprocess.SubprocessError, OSError, UnicodeError):
                return ""
        return ran.stdout
