"""Tidies up what nobody would come back for: one process a lane, and one the count of all calls, by lease.

Why it exists: every step of a call has somebody who takes it, and his death, a failover or a lost answer may
take him away. What is left then (a card that nobody has, a slot, a list, a name) is in nobody's way to be
found. Must not know: webhooks, sockets, the calls of this process.

It is a part of ingress, since ingress ends calls; since a deployment without ingress has no call to tidy up
after; and since brain and egress have work that must not be late.

    sight     what is read of a lane, of the count of all calls, and of all workers
    rules     what is wrong with a lane
    places    what is wrong with the count
    patience  how long it must stand before something is done
    look      reading it
    count     the count in one process's hands, what is done about it
    sweep     the lease of each lane, the rounds, what is done
    counters  what is counted
"""
