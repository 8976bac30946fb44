"""The Realtime API's client events: what is accepted, what is refused, in which words.

Owns: shapes, limits and refusals that need no session, and the audio formats. Must not know: any session's
state.

    errors      the refusals, in the API's own words and shapes
    schema      JSON judged against the SDK's own types, strictly
    validation  one WebSocket message: a checked event, or a refusal
    formats     the three audio formats of a session
"""
