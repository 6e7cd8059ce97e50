"""Chunks of audio on their way from the speaker to a Transcribe stream."""
