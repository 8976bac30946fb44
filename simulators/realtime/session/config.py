"""The effective configuration of a session, and what an update may change.

Why it exists: an update is all or nothing: `updated` returns a new configuration or raises `Refusal`, and the
old one stays untouched. Owns: defaults by model, merging, and the rules between fields. Pure. Must not know:
sockets or responses; whether audio was spoken already is told to it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final, cast

from simulators.realtime.protocol import errors, formats
from simulators.realtime.session.vad import VadSettings

Json = dict[str, object]

DEFAULT_INSTRUCTIONS: Final = "You are a helpful, friendly voice assistant. Answer briefly."
VOICES: Final = (
    *("alloy", "ash", "ballad", "coral", "echo", "sage"),
    *("shimmer", "verse", "marin", "cedar"),
)
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "audio.input.turn_detection.threshold": (0.0, 1.0),
    "audio.input.turn_detection.prefix_padding_ms": (0, 10_000),
    "audio.input.turn_detection.silence_duration_ms": (0, 10_000),
    "audio.input.turn_detection.idle_timeout_ms": (5000, 30_000),
    "audio.input.noise_reduction.strength": (0.0, 1.0),
    "audio.output.speed": (0.25, 1.5),
    "max_output_tokens": (1, 4096),
    "truncation.retention_ratio": (0.0, 1.0),
    "truncation.token_limits.post_instructions": (0, 1_000_000),
}
# Silence that ends a turn, for each eagerness; ours, well inside the documented maxima of 8/4/2 s.
_SEMANTIC_SILENCE_MS: Final = {"low": 1200, "medium": 700, "auto": 700, "high": 400}
_MERGED: Final = frozenset(
    {
        "",
        "audio",
        "audio.input",
        "audio.input.noise_reduction",
        "audio.input.turn_detection",
        "audio.output",
        "reasoning",
    }
)
_REASONING_ONLY: Final = ("parallel_tool_calls", "reasoning")
# By key of `transcription`: the models that take it, and those that do not, as the API's types say.
_LISTENERS: Final = ("gpt-transcribe", "gpt-live-transcribe")
_ONLY_WITH: Final[dict[str, tuple[str, ...]]] = {
    "delay": ("gpt-realtime-whisper",),
    "keywords": _LISTENERS,
    "languages": _LISTENERS,
}
_NOT_WITH: Final[dict[str, tuple[str, ...]]] = {
    "prompt": ("gpt-realtime-whisper", "gpt-4o-transcribe-diarize"),
}


class SessionConfig:
    """One effective configuration; nobody changes it once it is made."""

    __slots__ = ("model", "values")

    def __init__(self, model: str, values: Json) -> None:
        self.model = model
        self.values = values

    @classmethod
    def default(cls, model: str) -> SessionConfig:
        """What `session.created` shows: PCM 24 kHz both ways, server VAD with the model's window."""
        newer = model.startswith("gpt-realtime-2")
        audio: Json = {
            "input": {
                "format": {"type": formats.PCM, "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": _server_vad(silence_duration_ms=500 if newer else 200),
            },
            "output": {
                "format": {"type": formats.PCM, "rate": 24000},
                "voice": "marin" if newer else "alloy",
                "speed": 1.0,
            },
        }
        values: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": DEFAULT_INSTRUCTIONS,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "audio": audio,
            "include": None,
        }
        if newer:
            values["parallel_tool_calls"] = True
            values["reasoning"] = {"effort": "low"}
        return cls(model, values)

    def updated(self, change: Json, *, audio_spoken: bool, responding: bool) -> SessionConfig:
        """This configuration with `change` (the checked `session` of an update) applied.

        `audio_spoken`: the model has spoken, so the voice is fixed. `responding`: a response is active, so
        the speed is. Raises `Refusal`.
        """
        for name in _REASONING_ONLY:
            if name in change and name not in self.values:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                raise errors.Refusal("unsupported_parameter", message, f"session.{name}")
        if change.get("model", self.model) != self.model:
            raise errors.Refusal(
                "invalid_value", "The model of a session cannot be changed.", "session.model"
            )
        values = cast(Json, _merged(self.values, change, ""))
        after = SessionConfig(self.model, values)
        after._check(change, self, audio_spoken=audio_spoken, responding=responding)
        return after

    def _check(self, change: Json, before: SessionConfig, *, audio_spoken: bool, responding: bool) -> None:
        check_output(change, "session")
        for path, (low, high) in _RANGES.items():
            value = _at(change, path)
            if isinstance(value, (int, float)) and not low <= value <= high:
                raise errors.out_of_range(f"session.{path}", value, low, high)
        self._check_transcription()
        self._check_tool_choice()
        if audio_spoken and self.voice != before.voice:
            raise errors.Refusal(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            )
        if responding and _at(self.values, "audio.output.speed") != _at(before.values, "audio.output.speed"):
            raise errors.Refusal(
                "invalid_value",
                "The speed can only be changed between responses.",
                "session.audio.output.speed",
            )
        if before.values["tracing"] is not None and self.values["tracing"] != before.values["tracing"]:
            raise errors.Refusal(
                "invalid_value",
                "Tracing cannot be changed once it is enabled.",
                "session.tracing",
            )

    def _check_transcription(self) -> None:
        found = _at(self.values, "audio.input.transcription")
        if not isinstance(found, dict):
            return
        model = str(found.get("model") or "")
        for key in found:
            if model not in _ONLY_WITH.get(key, (model,)) or model in _NOT_WITH.get(key, ()):
                where = f"session.audio.input.transcription.{key}"
                message = f"Unsupported parameter: '{key}' is not supported with {model or 'this model'}."
                raise errors.Refusal("unsupported_parameter", message, where)

    def _check_tool_choice(self) -> None:
        chosen = self.values["tool_choice"]
        if not isinstance(chosen, dict) or chosen["type"] != "function":
            return
        if chosen["name"] not in names_of_tools(self.values["tools"]):
            message = f"Tool choice '{chosen['name']}' not found in 'tools' parameter."
            raise errors.Refusal("invalid_value", message, "session.tool_choice")

    @property
    def voice(self) -> object:
        """The voice's name."""
        return _at(self.values, "audio.output.voice")

    @property
    def input_format(self) -> formats.AudioFormat:
        """How the caller's audio is read."""
        return formats.FORMATS[str(_at(self.values, "audio.input.format.type"))]

    @property
    def output_format(self) -> formats.AudioFormat:
        """How the model speaks."""
        return formats.FORMATS[str(_at(self.values, "audio.output.format.type"))]

    @property
    def vad(self) -> VadSettings | None:
        """The detector's settings; `None` when the client commits by hand."""
        turn = self._turn_detection
        if turn is None:
            return None
        if turn["type"] == "semantic_vad":
            return VadSettings(0.5, 300, _SEMANTIC_SILENCE_MS[str(turn["eagerness"])])
        return VadSettings(
            threshold=cast(float, turn["threshold"]),
            prefix_padding_ms=cast(int, turn["prefix_padding_ms"]),
            silence_duration_ms=cast(int, turn["silence_duration_ms"]),
        )

    @property
    def create_response(self) -> bool:
        """Whether the end of a turn is answered by itself."""
        return self._turn_detection is not None and bool(self._turn_detection["create_response"])

    @property
    def interrupt_response(self) -> bool:
        """Whether the caller's speech cancels the response."""
        return self._turn_detection is not None and bool(self._turn_detection["interrupt_response"])

    @property
    def idle_timeout_ms(self) -> int | None:
        """Silence of the caller after which the model speaks again; `None`: it waits for ever."""
        turn = self._turn_detection
        return None if turn is None else cast("int | None", turn.get("idle_timeout_ms"))

    @property
    def transcribes(self) -> bool:
        """Whether the caller's words are told."""
        return _at(self.values, "audio.input.transcription") is not None

    @property
    def _turn_detection(self) -> Json | None:
        return cast("Json | None", _at(self.values, "audio.input.turn_detection"))


def names_of_tools(tools: object) -> frozenset[str]:
    """The function names in a `tools` array."""
    listed = tools if isinstance(tools, list) else []
    return frozenset(str(tool["name"]) for tool in listed if "name" in tool)


def check_output(change: Json, path: str) -> None:
    """Rules on output that updates and creates share. Raises `Refusal`."""
    modalities = change.get("output_modalities")
    if isinstance(modalities, list) and len(set(modalities)) != 1:
        message = f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio']."
        raise errors.Refusal("invalid_value", message, f"{path}.output_modalities")
    voice = _at(change, "audio.output.voice")
    if isinstance(voice, str) and voice not in VOICES:
        raise errors.wrong_value(f"{path}.audio.output.voice", voice, VOICES)
    tokens = change.get("max_output_tokens")
    if isinstance(tokens, int) and not 1 <= tokens <= 4096:
        raise errors.out_of_range(f"{path}.max_output_tokens", tokens, 1, 4096)


def _server_vad(silence_duration_ms: int) -> Json:
    return {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": silence_duration_ms,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def _semantic_vad() -> Json:
    return {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def _merged(old: object, new: object, path: str) -> object:
    """Absent keys keep their value in the objects of `_MERGED`; all else is replaced whole."""
    if path == "instructions" and new == "":
        return DEFAULT_INSTRUCTIONS  # as recorded: an empty text brings the server's own back
    if path.endswith(".format") and isinstance(new, dict):
        return {"type": formats.PCM, "rate": 24000} if new["type"] == formats.PCM else dict(new)
    if path not in _MERGED or not isinstance(new, dict):
        return deepcopy(new)
    if path == "audio.input.turn_detection" and (not isinstance(old, dict) or old["type"] != new["type"]):
        old = _semantic_vad() if new["type"] == "semantic_vad" else _server_vad(500)
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        merged[key] = _merged(merged.get(key), value, f"{path}.{key}" if path else key)
    return merged


def _at(values: object, path: str) -> object:
    """The value at a dotted path; `None` when a step is missing."""
    for key in path.split("."):
        if not isinstance(values, dict):
            return None
        values = values.get(key)
    return values
