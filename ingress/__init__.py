"""The front of Trunkline: TwiML, signatures, admission, and the media socket of each call.

Owns everything that speaks with Twilio, both ways. Must not know the model or pacing: what it
plays, and when, comes to it through `tl:out:<worker>`, and its own part there is to be the fence.
"""
