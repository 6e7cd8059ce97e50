"""Who is a speaker: their tokens, and the keys that these are signed with."""
