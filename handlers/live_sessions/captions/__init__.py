"""From transcripts to the captions that listeners read."""
