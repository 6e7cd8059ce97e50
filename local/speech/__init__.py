"""Stand-ins for Amazon Transcribe streaming and Amazon Translate, on loopback ports."""
