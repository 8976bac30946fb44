"""One media stream from Twilio's side: its WebSocket, its messages, its playout, its faults.

Owns: everything between the upgrade and the end of the socket. Must not know: TwiML, webhooks, the caller's
plan.

    stream      the stream: counters, marks, clears, faults, what Twilio would log
    messages    Twilio's messages to the bridge, as bytes
    validation  what Twilio accepts from the bridge
    playout     the queue that the caller hears: audio and marks on a wall clock
    weather     the network in between: jitter and bursts
    connection  the TCP side: connect, upgrade, messages, ways to end
    frames      WebSocket framing of the client's side
"""
