"""What calls cost that begin: their own caller, those who talk already, and the host.

Owns: calls judged by their first second, by what they do to others, and by what they leave behind. Must not
know: how a call is begun.

    answerer      the user's own system that is asked who calls, as good and as bad as it can be
    beside        `make prove-openings`: ten calls a second begin beside fifty that talk
    first_second  `make prove-first-second`: webhook to the first sound, session opened early or not
    context       `make prove-context`: calls whose callers are asked about, in every manner
    short_calls   `make prove-memory`: memory with no call, of a call, and what thousands of calls leave
    surge         `make prove-surge`: two hundred calls a second, refused in words beside live ones
    ringers       the process in which those who are refused ring
"""
