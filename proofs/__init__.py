"""What proves, measures and documents the rest.

Why it exists: a promise that nobody can check again is worth little. Each proof is a command (`make prove-…`)
that prints its figures and ends with 1 when a promise was broken; times are judged there, where the machine
is idle, never in tests. Owns: those commands, the figures and the generated parts of docs. Must not know:
nothing is hidden from it; nothing imports it.

    prove/     promises, each with a command that tries to break it
    simulate/  whole fault histories on virtual time, from one seed
    measure/   what a load is heard as and what it costs
    bench/     the same load on other bridges too, and on any server
    pages/     the parts of docs that are made from the code
"""
