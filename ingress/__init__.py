"""The front of Trunkline: TwiML, signatures, admission, and the media socket of each call.

Owns: everything that speaks with the carrier, both ways. Must not know: the model, pacing. What it plays, and
when, comes to it through `tl:out:<worker>`, and its own part there is to be the fence.

    role      the public port, put together and taken apart in order
    web/      the carrier's HTTP requests and our answers
    rescue/   calls of an ingress that died
    calls/    calls: attached, served, ended
    janitor/  what nobody would come back for
    media/    one media socket and the carrier's wire
    sound/    what is heard while there is no answer
    tape/     both sides of a call as sound, for a recorder or a listener
    counters  what is counted
    errors    what can be wrong with what comes from outside
"""
