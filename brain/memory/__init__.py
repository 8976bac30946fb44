"""What was said, heard and done on a call: in this process's memory, and in Redis for the next brain.

Owns: the conversation as the caller heard it. Must not know: a model's wire, when something is said.

    budget        what of a long past a new session is told
    items         what a conversation is made of
    conversation  what was said, as it was heard: seeds, transcripts, corrections
    history       the same, written for the next brain as it happens
    last_words    text that comes after a call's end
    record        one fact for both
    recall        reading what was written
    past          what is kept of a call that Redis has lost
"""
