"""`make chaos`: the call outlives us, tried process by process and step by step, and in each shape of Redis.

Owns: the rows, the calls under which each is played, their record and the offline checker over it. Must not
know: how the product keeps its promise.

    command     the command: rows over stages, a file for each, a table
    guards      each guard off: the row that must fail then
    rows        every process, killed and stopped, at each step; deploys; a soak
    outer_rows  Redis, the model, Twilio and a host that vanishes
    faults      what a row is
    playing     rows side by side, stages side by side, the base line
    director    one row played: the calls, whom the blow hits, the record
    moments     which step a call is in
    story       what the caller does, what the model has by heart, how both sound
    patience    when a caller goes on
    trouble     how each fault of processes is brought about
    outside     how each fault of Redis, the model and a link is
    recorder    the simulators' records, frame by frame
    table       the table, on the screen and in the docs
    setting/    all that stands around the calls
    shapes/     Redis as one server, with Sentinels, as a Cluster: servers, faults, rows
    soak/       rows drawn by a seed, one after another on one stack
    evidence/   what was recorded, and the invariants over it
"""
