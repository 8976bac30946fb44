"""What looks after the processes of a host: restarting them one by one, ending those that hang.

commands    `top`, `roll`, `doctor`
roll        the order of a rolling restart, and what must hold between two of them
socket      which supervisord is spoken to
watchdog    supervisord's event listener: looks, kills
heartbeats  which of the processes that run do not live: its rule
"""
