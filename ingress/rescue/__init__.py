"""Calls whose ingress died and whose carrier has not noticed: another ingress has them sent to itself.

Why it exists: a host that vanishes closes no socket, and a carrier may wait for minutes before it gives one
up. Owns: when a call counts as not coming back, how the carrier is asked. Must not know: who judges the dead,
what a call plays, what `/voice/resume` answers.

    stranded  the rule: which call is asked for, when, how often
    api       Twilio's REST API for live calls
    rescuer   the rule carried out
"""
