"""Audio on its way to captions: the functions, the pool of slots and their queues."""

from components.audio_transcription.arguments import AudioTranscriptionArgs
from components.audio_transcription.transcription import AudioTranscription

__all__ = ["AudioTranscription", "AudioTranscriptionArgs"]
