"""Speaks the lines of lines.toml again: one audio file each, and the manifest of them.

Why it exists: the clips can be made again, and changed, by whoever has the two programs; the result is
committed, so nobody else needs them. Owns: the way from text to telephone audio: espeak-ng speaks, sox brings
it to 8 kHz with a telephone's band and one loudness, our own tables make it µ-law. Must not know: who plays
the clips.

Run it by hand after changing a line (needs the Debian packages espeak-ng and sox):

    python simulators/clips/make.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from array import array
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PEAK_DB = -6.0  # loud enough for the voice detector at its default threshold, far from clipping
COMPRESS = ["compand", "0.01,0.1", "6:-60,-35,-30,-20,-10,-8", "-3", "-90", "0.1"]  # even loudness
QUIET = ["0.02", "1%"]
PAUSE = ["0.2", "1%"]  # no pause inside a line is longer: shorter than any silence window in use
BAND_HZ = "300-3400"  # what a telephone line lets through


def main() -> None:
    """Speaks every line; writes the .ulaw files and manifest.json beside this file."""
    sys.path.insert(0, str(FOLDER.parent.parent))  # so that it runs as a plain file, too
    from simulators import mulaw  # noqa: PLC0415 - the path is set only now

    lines = tomllib.loads((FOLDER / "lines.toml").read_text("utf-8"))
    manifest: dict[str, dict[str, str | int]] = {}
    for voice_name, voice in lines.pop("voice").items():
        for line, text in lines[voice_name].items():
            audio = mulaw.encode(_speak(text, voice["espeak"], voice["rate"], voice["pitch"]))
            name = f"{voice_name}_{line}"
            (FOLDER / f"{name}.ulaw").write_bytes(audio)
            manifest[name] = {
                "language": voice["language"],
                "speaker": voice["speaker"],
                "text": text,
                "duration_ms": len(audio) // mulaw.BYTES_PER_MS,
            }
            print(f"{name}: {len(audio) / 8000:.2f} s")
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (FOLDER / "manifest.json").write_text(text + "\n", "utf-8")


def _speak(text: str, voice: str, rate: int, pitch: int) -> array[int]:
    """Text to 8 kHz 16-bit samples, silence at both ends removed."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "--stdout", text],
        check=True,
        capture_output=True,
    ).stdout
    raw = subprocess.run(
        [
            *("sox", "-D", "-t", "wav", "-"),
            *("-t", "raw", "-e", "signed", "-b", "16", "-L", "-r", "8000", "-c", "1", "-"),
            *("sinc", BAND_HZ, *COMPRESS, "norm", str(PEAK_DB)),
            *("silence", "-l", "1", *QUIET, "-1", *PAUSE),
            *("reverse", "silence", "1", *QUIET, "reverse"),
        ],
        check=True,
        capture_output=True,
        input=spoken,
    ).stdout
    samples = array("h")
    samples.frombytes(raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


if __name__ == "__main__":
    main()
