"""How a connection to Redis comes about, whatever its shape: one server, Sentinels, a Cluster.

Why it exists: who has a key may change under live calls, and each reader and writer must find it again. Must
not know: what is sent.

    servers      which server has a key: the one, the Sentinels' master, a Cluster's
    sentinels    redis-py's client of the Sentinels, with words for why they name nobody
    link         one raw connection: packed bytes out, replies to callbacks
    keeper       one connection after another
    pools        redis-py's client for each shape
    connections  redis-py's connections, closed under nobody
    tls          one context for all connections, and what a failed handshake means
"""
