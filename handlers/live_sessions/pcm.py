"""The audio of a session: s16le mono PCM at 16 kHz.

https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html
"""

SAMPLE_RATE_HZ = 16_000
BYTES_PER_SECOND = 2 * SAMPLE_RATE_HZ
