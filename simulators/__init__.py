"""Faithful stand-ins for both ends of a call: Twilio's side and the model's side.

Why it exists: demo, tests and proofs need telephone calls that cost nothing and can be made to go wrong on
purpose. Owns: the wire formats of the two services, as those behave in the field. Must not know: ingress,
brain and egress.

    mulaw       the audio of a telephone line: conversion and loudness
    asides      a cough, and "mm-hm": what is said without meaning to interrupt
    clips/      what is spoken: short lines in English and in Hebrew
    telephone/  a microphone and a loudspeaker in a caller's hand
    twilio/     Twilio's side: webhooks, TwiML, media streams, a caller with a plan
    realtime/   the model's side: sessions, turns, responses by a script
    precedence  what they ask of the processor
    comparison  both records of a call, compared to the byte
"""
