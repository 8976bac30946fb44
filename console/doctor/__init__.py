"""`trunkline doctor`: is everything there that calls need, and if not, what to do about it.

findings  what a finding is, how findings are shown and summed up
facts     the doctor's eyes: how each fact is got
redis     rules: whether a Redis will do
host      rules: whether this host and all workers will do
public    whether Twilio would reach us: asked from outside
"""
