"""`trunkline doctor`: is everything there that calls need, and if not, what to do about it.

Owns: what is looked at and when it is good: rules are told facts, which others get. Must not know: how
anything is mended.

    findings  what a finding is, how findings are shown and summed up
    facts     the doctor's eyes: how each fact is got
    servers   what a Redis says of itself, each master of a Cluster by itself
    calls     rules: whether anybody who calls now is left alone
    redis     rules: whether a Redis will do
    workers   rules: whether there are workers for new calls
    takeovers  rules: whether what has lost somebody finds somebody else
    recordings  rules: whether anybody collects what is recorded
    host      rules: whether this host will do
    brain     rules: whether agents and model will do
    public    whether Twilio would reach us: asked from outside
"""
