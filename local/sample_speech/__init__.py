"""A short speech: its sentences, and their sound, which synthesise.sh makes of them."""

from pathlib import Path

WAV = Path(__file__).with_name("speech.wav")
SENTENCES = tuple(Path(__file__).with_name("speech.txt").read_text().splitlines())
