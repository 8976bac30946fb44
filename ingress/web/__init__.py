"""The carrier's HTTP requests and our answers, and the public port that they share with the media sockets.

Why it exists: what a caller meets before, between and after media streams is decided by a few documents.
Owns: the routes, who may open a stream, the port. Must not know: the inside of a media socket.

    routes         five webhooks: what a caller is answered
    visit          one request about a call
    parties        who is on a call: the person, our number, whom a callee is shown; what the number carries
    announcer      what Twilio's own voice is to say, by agent
    resume         the rule of `/voice/resume`: the card's plan
    twiml          the documents
    door           who takes new calls while this process drains
    store_turns    how long a webhook waits for Redis, and for the others
    admission      places, and who may open a stream
    overload/      when a process takes no new call although there is room
    token          the one-use token of a media stream
    signature      whether the carrier has signed a request
    http_protocol  a request has three seconds to arrive, and a connection of its own
    listening      the public listening socket
    readiness      `/readyz`, for the proxy in front
"""
