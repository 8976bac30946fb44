"""`trunkline demo`: one simulated call through the real processes, shown live, then judged.

Owns: the caller's script, the live timeline, the checks, the recording and the picture. All of it is made
from what happened: the call's keys in Redis, and the record of the Twilio simulator, which is the caller.
"""
