"""The brain role: one Realtime session a call.

Owns: the session with the model, the response sequencer (`brain.sequencer`, pure), tools, the agent and
the conversation's history. Must not know: Twilio's wire, pacing, or any other role; it speaks with them
through `shared` only.
"""
