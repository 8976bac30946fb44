"""What of a call is told to people and to those who pay for it: its phase, the caller's voice, what it used.

Owns: what is written for a console and a bill, all of it off the audio path. Must not know: the sequencer's
rules, who reads it.

    phase      what the conversation is at
    voice      when the caller's voice was, by the audio
    budget     when a call or a day has cost what it may
    spending   what all calls of the process use: prices, counters, the day
    meter      what one call uses: on its card, against its budget
    teller     one call's: which line and which record each of these becomes
    recording  whether one call is recorded or listened to
    start      what a process begins with: prices, budgets, the key of tags
    making     what one call begins with, and another agent that goes on with it
"""
