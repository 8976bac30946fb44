"""`trunkline doctor`: is everything there that calls need, and if not, what to do about it.

Owns: what is looked at and when it is good: rules are told facts, and one module gets them. Must not know:
how anything is mended.

    findings  what a finding is, how findings are shown and summed up
    facts     the doctor's eyes: how each fact is got
    redis     rules: whether a Redis will do
    host      rules: whether this host and all workers will do
    calls     rules: whether anybody who calls now is left alone
    public    whether Twilio would reach us: asked from outside
"""
