"""A telephone in the hand of whoever sits at this machine: its microphone and its loudspeaker.

Owns: the sound between them and a simulated call. Must not know: the call.

    handset     what is said and heard, 20 ms at a time
    microphone  the sound card, through sounddevice
"""
