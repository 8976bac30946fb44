"""Why a call ended, in words. Pure.

Why it exists: an outcome and a cause are words of the contract; whoever asks wants a sentence. Owns: these
sentences. Must not know: who shows them. A word that is not known is shown as it is: newer versions have
others.
"""

from __future__ import annotations

OUTCOMES = {
    "completed": "the caller hung up, or the carrier ended the call",
    "hangup": "we hung up",
    "transferred": "the caller was put through to another number",
    "apology": "the caller heard the apology: there was no conversation to be had",
    "no_new_stream": "the media stream was gone, and no new one came",
    "no_stream": "the caller's streams could not be attached, three in a row",
    "too_many_resumes": "the call had opened too many media streams",
    "caller_media_stopped": "nothing came from the caller any more",
    "abandoned": "nobody had the call any more, and it was tidied up",
    "card_unreadable": "what Redis said of the call could not be read",
    "quarantined": "too many processes in a row had failed at the call",
    "operator": "an operator ended it, without asking anybody",
    "busy": "the called number was busy",
    "no-answer": "nobody answered",
    "canceled": "it was given up before it was answered",
    "failed": "the carrier could not connect it",
}

CAUSES = {
    "operator": "an operator hung it up",
    "end_call": "the agent said goodbye",
    "idle": "the caller was silent for too long",
    "hard_cap": "the longest time for a call was over",
    "budget_call": "it had cost what a call may cost",
    "budget_day": "the calls of the day had cost what they may",
    "no_session": "the model could not be reached",
    "no_redis": "Redis was away",
    "redis_refuses": "Redis took no writes",
    "silence_no_redis": "Redis was away",
    "silence_redis_refuses": "Redis took no writes",
    "silence_turn": "an answer did not come",
    "silence_greeting": "the greeting did not come",
    "move_dial": "the caller was sent to another number",
    "move_digits": "keypad tones were to be heard",
}


def in_words(outcome: str, cause: str) -> str:
    """One sentence without its full stop; empty for a call that goes on."""
    if not outcome:
        return ""
    told = OUTCOMES.get(outcome, f"it ended as {outcome}")
    why = CAUSES.get(cause, cause)
    return f"{told}: {why}" if why else told
