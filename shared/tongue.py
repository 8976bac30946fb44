"""What a carrier's own voice must be told to read a text in its language: a tag and a voice.

Why it exists: an apology in Hebrew that is read by an English voice is no apology, and Twilio's default voice
speaks a few languages only: of the others it says nothing at all. Owns: the table of languages. Pure. Must
not know: the texts, who says them.

Source: Twilio, "Text-to-Speech: available voices and languages": the tags are those of its table, and the
voices are the plain ones (Polly and Google Standard) of each. English has the account's own default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """`language` and `voice` of `<Say>`; an empty one is left out."""

    language: str
    voice: str


SPOKEN: Final[dict[str, tuple[str, str]]] = {
    "af": ("af-ZA", "Google.af-ZA-Standard-A"),
    "ar": ("arb", "Polly.Zeina"),
    "bg": ("bg-BG", "Google.bg-BG-Standard-A"),
    "bn": ("bn-IN", "Google.bn-IN-Standard-C"),
    "ca": ("ca-ES", "Google.ca-ES-Standard-A"),
    "cs": ("cs-CZ", "Google.cs-CZ-Standard-A"),
    "cy": ("cy-GB", "Polly.Gwyneth"),
    "da": ("da-DK", "Polly.Naja"),
    "de": ("de-DE", "Polly.Marlene"),
    "el": ("el-GR", "Google.el-GR-Standard-A"),
    "en": ("en-US", ""),
    "es": ("es-ES", "Polly.Lucia"),
    "eu": ("eu-ES", "Google.eu-ES-Standard-A"),
    "fi": ("fi-FI", "Google.fi-FI-Standard-A"),
    "fil": ("fil-PH", "Google.fil-PH-Standard-A"),
    "fr": ("fr-FR", "Polly.Lea"),
    "gl": ("gl-ES", "Google.gl-ES-Standard-A"),
    "gu": ("gu-IN", "Google.gu-IN-Standard-C"),
    "he": ("he-IL", "Google.he-IL-Standard-A"),
    "hi": ("hi-IN", "Polly.Aditi"),
    "hu": ("hu-HU", "Google.hu-HU-Standard-A"),
    "id": ("id-ID", "Google.id-ID-Standard-A"),
    "is": ("is-IS", "Polly.Dora"),
    "it": ("it-IT", "Polly.Carla"),
    "ja": ("ja-JP", "Polly.Mizuki"),
    "kn": ("kn-IN", "Google.kn-IN-Standard-C"),
    "ko": ("ko-KR", "Polly.Seoyeon"),
    "lt": ("lt-LT", "Google.lt-LT-Standard-A"),
    "lv": ("lv-LV", "Google.lv-LV-Standard-A"),
    "ml": ("ml-IN", "Google.ml-IN-Wavenet-C"),
    "mr": ("mr-IN", "Google.mr-IN-Standard-A"),
    "ms": ("ms-MY", "Google.ms-MY-Standard-A"),
    "nb": ("nb-NO", "Polly.Liv"),
    "nl": ("nl-NL", "Polly.Lotte"),
    "pa": ("pa-IN", "Google.pa-IN-Standard-A"),
    "pl": ("pl-PL", "Polly.Ewa"),
    "pt": ("pt-BR", "Polly.Camila"),
    "ro": ("ro-RO", "Polly.Carmen"),
    "ru": ("ru-RU", "Polly.Tatyana"),
    "sk": ("sk-SK", "Google.sk-SK-Standard-A"),
    "sr": ("sr-RS", "Google.sr-RS-Standard-A"),
    "sv": ("sv-SE", "Polly.Astrid"),
    "ta": ("ta-IN", "Google.ta-IN-Standard-C"),
    "te": ("te-IN", "Google.te-IN-Standard-A"),
    "th": ("th-TH", "Google.th-TH-Standard-A"),
    "tr": ("tr-TR", "Polly.Filiz"),
    "uk": ("uk-UA", "Google.uk-UA-Standard-A"),
    "vi": ("vi-VN", "Google.vi-VN-Standard-A"),
    "yue": ("yue-HK", "Google.yue-HK-Standard-A"),
    "zh": ("cmn-CN", "Polly.Zhiyu"),
}
"""By ISO 639: Twilio's tag, and a voice that speaks it."""

_OTHER_NAMES: Final = {"iw": "he", "no": "nb", "tl": "fil", "cmn": "zh", "arb": "ar"}
_OF_A_PLACE = re.compile(r"Google\.([a-z]{2,3}-[A-Z]{2})-")
"""A voice that names its language."""


def tongue_of(language: str, voice: str = "") -> Tongue:
    """For a text in `language` (`he`, or a tag such as `he-IL`), in `voice` if one is wished for.

    A language that is not in the table goes as it is, for the carrier to judge.
    """
    tag, usual = _usual(language)
    if not voice:
        return Tongue(language=tag, voice=usual)
    named = _OF_A_PLACE.match(voice)
    if named is not None:
        return Tongue(language=named[1], voice=voice)
    # A vendor's voice speaks one language: a tag beside it can only contradict, and then nothing is said.
    speaks_one = "." in voice and voice != usual
    return Tongue(language="" if speaks_one else tag, voice=voice)


def tongue_beside(language: str, usual: Tongue) -> Tongue:
    """For a text in `language` where others are said in `usual`: that one where it speaks the language, or
    where none is named."""
    tongue = tongue_of(language)
    return usual if not language or _name(tongue) == _name(usual) else tongue


# Private.


def _usual(language: str) -> tuple[str, str]:
    name, _, place = language.partition("-")
    name = _OTHER_NAMES.get(name.lower(), name.lower())
    tag, voice = SPOKEN.get(name, (language, ""))
    if not place:
        return tag, voice
    made = f"{tag.partition('-')[0]}-{place.upper()}" if "-" in tag else language
    # Of another country than the voice's: the carrier's own default for that tag.
    return made, voice if made == tag else ""


def _name(tongue: Tongue) -> str:
    return tongue.language.partition("-")[0]
