"""What calls cost that begin: their own caller, those who talk already, and the host.

Owns: calls judged by their first second, by what they do to others, and by what they leave behind. Must not
know: how a call is begun.

    beside        `make prove-openings`: ten calls a second begin beside fifty that talk
    first_second  `make prove-first-second`: webhook to the first sound, session opened early or not
    short_calls   `make prove-memory`: memory with no call, of a call, and what thousands of calls leave
"""
