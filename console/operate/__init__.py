"""What looks after the processes of a host: restarting them one by one, ending those that hang.

Owns: the order and the rules of it. Must not know: what a process does with its calls.

    commands    `top`, `roll`, `doctor`
    roll        the order of a rolling restart, and what must hold between two of them
    socket      which supervisord is spoken to
    port        has the public port open while ingress comes and goes
    keeper      has it while everything is restarted, that process too
    watchdog    supervisord's event listener: looks, kills
    heartbeats  which of the processes that run do not live: its rule
"""
