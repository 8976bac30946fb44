"""`make prove-hostile`: people who mean harm, beside calls that must not notice.

Owns: the attacks, the clean calls beside them, what is promised of both. Must not know: how the product keeps
its promise.

    command     the command: fuzz, clean calls alone, clean calls under attack, two tables
    stage       the stack, the model, the callers' Twilio
    clean       waves of clean calls, judged at the ear
    attacks     every kind of attack, one round of each
    scene       what all attacks share: whom they attack, what they have overheard, what came of it
    attackers   the process in which the attacks are made
    payloads    what is said: hostile ids, values, messages
    injections  calls in which hostile words reach the model, and it obeys
    canaries    what must stand in no log, no metric, no command line, nor in Redis
    crashes     processes that crash with a live call, and what they leave
    fuzz        a million messages through everything that reads what comes from outside
    judge       what is promised, and what was not kept
    table       the tables, on the screen and in docs/security.md
"""
