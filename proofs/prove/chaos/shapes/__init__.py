"""Real Redis in each of its shapes: one server, Sentinel, a Cluster; and what can be done to them.

Owns: the servers' programs, their lives, how they become one Redis, how each fault of theirs is brought
about, the rows about them. Must not know: calls, but for the key that says which server has one.

    rows        each shape, and what is done to it under calls
    striking    how each fault is brought about
    moving      a slot goes to another master, key by key, under traffic
    opening     which shape a row wants, started and ended
    refusing    a server that refuses writes: how it is made to, and how it stops
    shape       what may be asked of any of them; one server
    sentinel    a master, its replicas, Sentinels
    cluster     masters with a replica each, slots assigned
    slots       who has which slots, as a node says it
    fleet       servers that start and end together
    node        one server: command line, life, questions
    programs    which programs there are
    become      becomes a server that ends with its parent
"""
