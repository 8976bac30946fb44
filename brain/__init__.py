"""The brain role: one session with a speech model a call.

Owns: the session with the model, what is said and when, tools, agents, the conversation as it was heard. Must
not know: Twilio's wire, pacing, or any other role; it speaks with them through `shared` only.

Imports go down this list; the last five are everybody's. (`agents.check` is a command, and above all.)

    role         the process: takes calls, rings their doorbells, drains
    call/        one call: the driver, and what belongs to one call
    incoming/    who is calling, and who answers one call, from its first moment to its last
    takeover/    a live call changes hands between brains
    caller/      the caller's side: their voice, their turns, their keys
    memory/      what was said, heard and done
    telling/     what people and those who pay are told: phase, the caller's voice, usage
    webhooks/    what the user's own systems are told
    model/       the speech model: the interface, the sessions of a call, the engine of OpenAI Realtime
    agents/      who the model is on a call
    tools/       what the model can do
    sound/       the user's own sound: notices, and what plays while the caller waits
    counters     what the process counts and measures
    sequencer/   the rules: what is said, when, and what becomes of it
    signing      the signature of webhooks and HTTP tools
    trust_store  the certificates that this process trusts
    variables    words that are filled in for one call
    json_fields  fields of JSON that may be anything
    errors       what can go wrong, and whom each error is for
"""
