"""All that stands around the calls of a row.

Owns: the stack, the simulators, the tool, the network, the second host, the count of what there is. Must not
know: faults' moments, or what is allowed.

    stage           a stack, the simulators, the tool and the network around it
    relay           the network between Twilio and the bridge
    listening_tool  an HTTP tool behind a port of its own
    counting_tool   a tool that counts its own runs
    far_host        a second host: its namespace and its link
    far_side        what runs there
    census          keys, descriptors, tasks, memory, sessions
"""
