"""What an agent takes for noise: the words of one who only listens, and which settings go together.

Why it exists: "mm-hm" is another word in every language, and a confirmation needs a session that neither cuts
nor answers by itself. Owns: those words, these rules. Pure. Must not know: when a voice is in doubt
(brain.sequencer), the file.

No word is here that is mostly an answer: a caller who says "yes" or "okay" before a question is over wants to
be heard. What is a sound in one language is a word in another ("um" in Portuguese), and none where that may
be spoken. Who would be heard with "mm-hm" as well says so in `backchannels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brain.agents.agent import Agent

SOUNDS = (
    "mm", "mm-hm", "mhm", "mmhm", "hm", "hmm", "hm-hm", "uh-huh", "uhuh", "ah", "aha", "ahem", "oh", "eh",
    "huh", "haha",
)  # fmt: skip
"""In every language that is written with these letters, as transcribers write them: a word in none of them.
"Uh" is not here, since "uh-uh" is a no."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "ar": ("آها", "اها", "امم", "مم", "همم", "آه"),
    "cs": ("aha", "jé", "hmm"),
    "da": ("nå", "aha", "øh", "hov"),
    "de": ("ach", "ach so", "aha", "tja", "äh", "ähm", "öh", "öhm", "na ja", "naja", "hmhm"),
    "el": ("αχά", "μμ", "χμ", "μχμ"),
    "en": (
        *("um", "er", "erm", "ha", "uh-hum", "mm-hmm", "um-hum"),
        *("i see", "wow", "gosh", "oh wow", "ah i see", "oh i see"),
    ),
    "es": ("ajá", "eh", "ya veo", "eeh", "mjm"),
    "fi": ("aijaa", "öö", "ahaa"),
    "fr": ("euh", "ah bon", "hum", "je vois", "ben", "bah"),
    "he": ("אה", "אהה", "אהא", "אממ", "המ", "ממ", "אני רואה", "וואו"),
    "hi": ("हम्म", "ओह", "आह"),
    "it": ("ehm", "mah", "beh", "ah ecco", "capisco"),
    "ja": ("ええと", "へえ", "なるほど", "ふーん", "ああ"),
    "nl": ("ach", "ach zo", "eh", "ehm", "tja"),
    "no": ("åh", "aha", "øh", "jøss"),
    "pl": ("aha", "yhm", "mhm", "ojej", "eee"),
    "pt": ("ahã", "uhum", "entendi", "hum-hum"),
    "ru": ("ага", "угу", "м", "хм", "э", "эм", "ой", "ах", "понятно"),
    "sv": ("jaha", "jaså", "aha", "öh", "oj"),
    "tr": ("hımm", "hım", "ha", "şey", "vay"),
    "uk": ("ага", "угу", "м", "хм", "ой", "ах"),
    "zh": ("嗯", "嗯嗯", "哦", "啊", "呃"),
}
"""Those of one language."""

MEANT_IN: Mapping[str, tuple[str, ...]] = {
    "um": ("de", "pt"),
    "er": ("da", "de", "nl", "no", "sv"),
    "ha": ("da", "es", "it", "no", "sv"),
    "ben": ("nl", "tr"),
    "nå": ("no",),
}
"""Which of these are a word of another language: whoever may speak that one may mean it."""


def backchannels(agent: Agent) -> tuple[str, ...]:
    """What a caller of this agent says who only listens: what its file says, or the words of the languages
    that the caller may speak (of every one, where none is known), but for what is a word in one of them."""
    if agent.confirm.backchannels is not None:
        return agent.confirm.backchannels
    tags = agent.transcription_languages or (agent.language,)
    languages = [language for tag in tags if (language := tag.partition("-")[0])] or list(WORDS)
    words = (word for each in languages for word in WORDS.get(each, ()))
    return (*SOUNDS, *(word for word in words if not set(MEANT_IN.get(word, ())) & set(languages)))


def problems(agent: Agent) -> Iterator[tuple[str, str]]:
    """A key, and what is wrong with it beside the others."""
    if agent.interruption != "confirm":
        return
    turn, confirm = agent.turn_detection, agent.confirm
    if turn.kind != "server_vad":
        yield "interruption", '"confirm" needs turn_detection.kind = "server_vad": only that times a voice'
    if agent.answers_turns != "brain":
        yield "answers_turns", f"{_EXPECTED}: the server would answer noise"
    if agent.interrupts == "server":
        yield "interrupts", f"{_EXPECTED}: the server would cut at once"
    least = confirm.min_ms + turn.silence_ms
    if confirm.wait_ms <= least:
        yield (
            "confirm.wait_ms",
            f"expected more than {least} (min_ms and turn_detection.silence_ms), when a voice is over",
        )


# Private.


_EXPECTED = 'expected "brain" beside interruption = "confirm"'
