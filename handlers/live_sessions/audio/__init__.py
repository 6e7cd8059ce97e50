"""Audio from the speakers' sockets through the slots' queues to Amazon Transcribe."""
