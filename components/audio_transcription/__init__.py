"""From audio to transcripts: two functions, and a pool of slots with their queues."""

from components.audio_transcription.transcription import AudioTranscription, AudioTranscriptionArgs

__all__ = ["AudioTranscription", "AudioTranscriptionArgs"]
