"""From transcripts to what listeners read."""
