"""The egress role: model audio out of Redis, in 20 ms frames on time, with a ledger of what was heard."""
