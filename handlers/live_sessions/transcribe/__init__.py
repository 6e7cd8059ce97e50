"""Amazon Transcribe's streaming over a WebSocket: its encoding, its URL, one stream."""
