#!/usr/bin/env bash
# Makes speech.wav from speech.txt: each line a sentence, each followed by a second of silence.
# Needs flite and sox (Debian packages of these names); the committed file is made by flite 2.2 and sox 14.4.2.
set -euo pipefail
cd "$(dirname "$0")"
sentences=$(mktemp -d)
trap 'rm -rf "$sentences"' EXIT
number=0
while read -r sentence; do
    number=$((number + 1))
    flite -voice rms -t "$sentence" -o "$sentences/$number.wav"
    sox "$sentences/$number.wav" --rate 16000 --channels 1 --bits 16 --encoding signed-integer \
        "$sentences/$number-padded.wav" pad 0 1
done < speech.txt
sox $(seq --format "$sentences/%g-padded.wav" "$number") speech.wav
