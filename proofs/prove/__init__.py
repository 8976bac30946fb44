"""Promises, each with a command that tries to break it.

Owns: the commands behind `make prove-…`, the trouble that they make and the judgement. Must not know: how the
pages about them read.

    pipeline      `make prove-pipeline`: twenty calls of a minute: completeness, lateness, cost
    conversation  `make prove-conversation`: what callers hear and the model remembers, under faults
    scenarios     its kinds of trouble, and what is promised under each
    judge         its judgement: both simulators' records of a call, compared
    timeline      one call as text, for a look at what went wrong
    promises      promises as sentences, and the last words of a command about them
    queues        `make prove-queues`: what stands in Redis over healthy calls: next to nothing
    operations    `make prove-operations`: does the verdict name the fault, soon, once
    faults        the faults that it injects, and the verdict that each deserves
    verdicts      its judgement: right, soon, once, and nobody else blamed
    roles/        role processes that misbehave on purpose
    listening/    what a caller hears, and for how long there was no sound while some was owed
    openings/     what calls cost that begin: their own caller, others, the host
    silence/      `make prove-silence`: nobody is left in silence, tried kind by kind
    hostile/      `make prove-hostile`: people who mean harm, beside calls that must not notice
    chaos/        `make chaos`: the call outlives us, tried process by process
    page_table    a table of results in docs/reliability.md
    sequencer     `make prove-sequencer`: the response sequencer, exhaustively and by chance
    states/       every state that a few inputs reach; `make prove-ownership`
    mutants       `make prove-mutants`: what the tests say to wrong code
"""
