"""A whole Trunkline on this machine under a private supervisord, for as long as it is needed.

foreground   `run`: the stack in the foreground, and what to do with it
launcher     the life of a stack
plan         what a stack consists of: options, ports, environment, supervisord's file
ports        free ports that stay free
run_folder   the folder of one run
socket_path  where supervisord's socket goes
supervisord  the supervisord that ends with its launcher
valkey       the embedded server
supervision  what is asked of a supervisord: its processes, their start and stop
readiness    what is asked of a process: is it ready, what does it serve
marked       finding and ending processes by a mark in their environment
logs         the ends of log files
"""
