"""`trunkline demo`: one simulated call through the real processes, shown live, then judged.

Owns: the caller's script, the live timeline, the checks, the recording and the picture. All of it is made
from what happened: the call's keys in Redis, and the record of the Twilio simulator, which is the caller.

    play       the order: stack up, one call, timeline, checks, files, stack down
    staging    one call into a stack: placed, shown, recorded, drawn; for `trunkline try` too
    script     what the caller does, and which clips must then be heard
    watch      reads the call's keys while it runs
    timeline   what happened → lines, in the order of what they tell
    verdict    was the conversation what it should be
    find_clip  finds a clip in what the caller heard
    figures    the call in numbers
    report     what is printed
    picture    what is drawn
"""
