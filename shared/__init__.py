"""What the roles share: the contract between them, how it is carried, and the skeleton of a process.

Why it exists: `ingress`, `brain` and `egress` import this package and never one another (tests/test_layout.py
holds it). Must not know: what any one role does. Their names stand in contract/worker.py, and what each needs
to start in settings.py.

    audio            the figures of G.711
    mulaw            G.711 to samples and back
    clock            which clock is used for what
    exit_codes       what each exit code means
    forms            what a number, a URL and a secret look like
    redis_url        what the URL of a Redis looks like, and what may be shown of it
    public_port      the listening socket, passed from process to process
    tongue           what a carrier's own voice must be told to speak a language
    heard/           which words of a text were heard in so much time
    sound/           recordings, as a telephone line carries them
    resp             commands in Redis's protocol
    env_file         `.env`, or what is wrong in it
    settings         every setting, checked at start
    setting/         what that is made of; where each value comes from
    caller_tag       by what all calls of one caller are found, their number being masked
    logs/            one line an event
    figures/         counters, histograms, the diagnosis
    contract/        everything that two processes must agree on
    store/           how it is carried
    ownership/       who owns a call
    process/         the skeleton of every role process
"""

VERSION = "0.1.0"
"""What this code calls itself: in logs, in a worker's beat, in `trunkline --version`."""
