"""A telephone in the browser: a call without a carrier, through the same front door as any other.

Why it exists: whoever has just started wants to talk, and whoever changes an agent wants to hear it. Owns:
Twilio's part of such a call: signed webhooks, documents, media streams. Must not know: the roles, how a page
sounds (web/static/phone.js). The page has the microphone, the playout, the marks; a browser cannot sign a
handshake, so each stream goes through here.

    wire      what passes between the page and us
    relay     one media stream: the page on one side, ingress on the other
    exchange  one call: what it is told to do next, until it is over
    killing   the brain of a call is killed on purpose
    views     the page, and its socket
"""
