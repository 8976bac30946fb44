"""Draws the demo's call: both voices, the replies, the interruption, the backlogs. For people.

Owns: how the picture looks. Must not know: how the data were gathered. Matplotlib draws to a file (Agg); no
text of the conversation stands in the picture, since matplotlib cannot set right-to-left text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from console.demo.figures import Figures
from console.demo.watch import Sample
from simulators import mulaw
from simulators.twilio import measures
from simulators.twilio.record import CallRecord

CALLER, AGENT, INTERRUPTED, INK, FAINT = "#2a6fbb", "#2e8b57", "#d1495b", "#22303c", "#8a97a3"
REPLY_QUEUE, UNSENT, IN_HAND = "#7b5ea7", "#e08e45", "#4f9da6"
VOICE_HEIGHT = 0.7
ENVELOPE_MS = 10
"""The waveforms are drawn as envelopes: one column for this much audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn."""

    title: str
    record: CallRecord
    samples: list[Sample]
    figures: Figures
    model: str
    """Where the replies came from, for the caption."""


def draw(scene: Scene, file: Path) -> None:
    """Writes the picture as PNG."""
    figure, axes = plt.subplots(
        4, 1, figsize=(15, 9), sharex=True, gridspec_kw={"height_ratios": [3, 3, 2, 2], "hspace": 0.14}
    )
    figure.patch.set_facecolor("white")
    ended_ms = scene.record.ended_at_ms or 0.0
    _draw_voice(axes[0], scene.record.caller_audio, CALLER, "caller")
    _draw_voice(axes[1], scene.record.heard_audio, AGENT, "heard by the caller")
    _mark_turns(axes[0], axes[1], scene)
    _draw_queues(axes[2], scene.samples)
    _draw_hand(axes[3], scene)
    for axis in axes:
        _mark_barge_ins(axis, scene.record)
        _plain(axis)
    axes[-1].set_xlim(0, max(1.0, ended_ms / 1000))
    axes[-1].set_xlabel("seconds since the call began", color=INK)
    _caption(figure, scene)
    figure.savefig(file, dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(figure)


def envelope(audio: bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(seconds, loudest magnitude 0…1) for each ENVELOPE_MS of µ-law audio."""
    step = ENVELOPE_MS * mulaw.BYTES_PER_MS
    whole = audio + bytes([mulaw.SILENCE]) * (-len(audio) % step)
    linear = np.asarray(mulaw.decode(whole), dtype=np.float64).reshape(-1, step)
    loudest = np.abs(linear).max(axis=1) / 32768 if len(linear) else np.zeros(0)
    return np.arange(len(loudest)) * ENVELOPE_MS / 1000, loudest


Range = tuple[float, float]


def from_one_zero(left: Sequence[float], right: Sequence[float]) -> tuple[Range, Range]:
    """The ranges of two axes of one picture, seconds on the left, ms on the right, whose zeros are one line.

    With two zeros a line through one of them crosses the other axis at a figure that means nothing.
    """
    top_left, top_right = max([1.0, *left]) * 1.35, max([200.0, *right]) * 1.5
    below = max(0.0, -min([0.0, *right])) * 1.1 / top_right
    return (-below * top_left, top_left), (-below * top_right, top_right)


# Private.


def _draw_voice(axis: Axes, audio: bytes, colour: str, name: str) -> None:
    seconds, loudest = envelope(audio)
    axis.fill_between(seconds, -loudest, loudest, color=colour, linewidth=0, alpha=0.9)
    axis.axhline(0, color=colour, linewidth=0.6, alpha=0.6)
    # Speech on the telephone is far from full scale: both voices are drawn to the same, fitting height.
    axis.set_ylim(-VOICE_HEIGHT, VOICE_HEIGHT)
    axis.set_yticks([])
    axis.set_ylabel(name, color=colour, fontweight="bold")


def _mark_turns(caller: Axes, heard: Axes, scene: Scene) -> None:
    record = scene.record
    for utterance in record.utterances:
        start_s, end_s = utterance.voice_started_at_ms / 1000, utterance.voice_ended_at_ms / 1000
        caller.axvspan(start_s, end_s, color=CALLER, alpha=0.10, linewidth=0)
        caller.text(start_s + 0.08, 0.94 * VOICE_HEIGHT, utterance.name, color=CALLER, fontsize=9, va="top")
    for spurt in measures.spurts(record):
        start_s, end_s = spurt.started_at_ms / 1000, spurt.ended_at_ms / 1000
        heard.axvspan(start_s, end_s, color=AGENT, alpha=0.10, linewidth=0)
        label = f"{spurt.played_ms / 1000:.1f} s" + (" (cut)" if spurt.cleared else "")
        heard.text(start_s + 0.08, 0.94 * VOICE_HEIGHT, label, color=AGENT, fontsize=9, va="top")
    for utterance, turn in zip(record.utterances, scene.figures.turns, strict=True):
        if turn.response_ms is None or turn.response_ms <= 0:
            continue
        from_s = utterance.voice_ended_at_ms / 1000
        to_s = from_s + turn.response_ms / 1000
        heard.annotate(
            "",
            (to_s, -0.74 * VOICE_HEIGHT),
            (from_s, -0.74 * VOICE_HEIGHT),
            arrowprops={"arrowstyle": "<->", "color": INK, "lw": 1},
        )
        text = f"{turn.response_ms:.0f} ms"
        heard.text(
            (from_s + to_s) / 2, -0.82 * VOICE_HEIGHT, text, color=INK, fontsize=8, ha="center", va="top"
        )


def _mark_barge_ins(axis: Axes, record: CallRecord) -> None:
    for barge_in in measures.barge_ins(record):
        onset_s = barge_in.voice_started_at_ms / 1000
        axis.axvline(onset_s, color=INTERRUPTED, linewidth=1.1, linestyle=":")
        axis.axvline(onset_s + barge_in.silent_after_ms / 1000, color=INTERRUPTED, linewidth=1.4)
        if axis.get_ylabel() == "heard by the caller":
            label = f" silent after {barge_in.silent_after_ms:.0f} ms"
            axis.text(
                onset_s + barge_in.silent_after_ms / 1000,
                0.72 * VOICE_HEIGHT,
                label,
                color=INTERRUPTED,
                fontsize=9,
                fontweight="bold",
            )


def _draw_queues(axis: Axes, samples: list[Sample]) -> None:
    seconds = [sample.at_ms / 1000 for sample in samples]
    axis.step(seconds, [s.reply_entries for s in samples], where="post", color=REPLY_QUEUE, lw=1.6,
              label="XLEN reply: model audio not heard yet (pieces)")  # fmt: skip
    axis.step(seconds, [s.caller_frames for s in samples], where="post", color=CALLER, lw=1.6,
              label="XLEN caller: caller audio the model has not got (20 ms frames)")  # fmt: skip
    axis.set_ylabel("entries", color=INK)
    _from_zero(axis)
    _legend(axis)


def _draw_hand(axis: Axes, scene: Scene) -> None:
    seconds = [sample.at_ms / 1000 for sample in scene.samples]
    unsent_s = [math.nan if s.tx_q_ms is None else s.tx_q_ms / 1000 for s in scene.samples]
    axis.step(seconds, unsent_s, where="post", color=UNSENT, lw=1.6,
              label="tx_q: audio that egress holds unsent (s)")  # fmt: skip
    axis.set_ylabel("seconds", color=UNSENT)
    arrivals = [at_ms / 1000 for at_ms in measures.arrivals_ms(scene.record)]
    in_hand = [-ms for ms in measures.lateness_ms(scene.record)]
    second = axis.twinx()
    second.plot(arrivals, in_hand, linestyle="", marker=".", markersize=2.5, color=IN_HAND,
                label="in hand at Twilio when a frame comes (ms)")  # fmt: skip
    second.set_ylabel("ms", color=IN_HAND)
    left, right = from_one_zero([s for s in unsent_s if not math.isnan(s)], in_hand)
    axis.set_ylim(*left)
    second.set_ylim(*right)
    if right[0] < 0:  # Frames that came too late: below the line they share.
        axis.axhline(0, color=FAINT, linewidth=0.7)
    _plain(second)
    handles, labels = axis.get_legend_handles_labels()
    more_handles, more_labels = second.get_legend_handles_labels()
    axis.legend(
        handles + more_handles,
        labels + more_labels,
        loc="upper left",
        fontsize=8,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        ncols=2,
    )


def _from_zero(axis: Axes) -> None:
    _, top = axis.get_ylim()
    axis.set_ylim(0, max(1.0, top) * 1.35)


def _legend(axis: Axes) -> None:
    axis.legend(loc="upper left", fontsize=8, frameon=True, framealpha=0.9, edgecolor="none", ncols=2)


def _plain(axis: Axes) -> None:
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color(FAINT)
    axis.tick_params(colors=FAINT, labelsize=8)
    axis.grid(axis="x", color=FAINT, alpha=0.18)


def _caption(figure: Figure, scene: Scene) -> None:
    found = scene.figures
    figure.suptitle(scene.title, x=0.125, y=0.945, ha="left", color=INK, fontsize=15, fontweight="bold")
    words = [
        f"replies: {scene.model}",
        f"{found.frames_to_caller} frames to the caller, {found.frames_late} late, "
        f"{found.frames_lost} lost from the caller",
        f"in hand at Twilio: {found.lead_ms:.0f} ms (median)",
        "red, dotted: the caller's voice begins, solid: silence",
    ]
    figure.text(0.125, 0.897, "  ·  ".join(words), ha="left", color=FAINT, fontsize=9)
