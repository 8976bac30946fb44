"""The parts of docs, and of deploy/, that are made from the code, so that they cannot be wrong.

Owns: what stands between the markers of those pages, and those files. Must not know: the words around them.

    parts      the markers, and the command that keeps a page current
    design     docs/design.md and docs/operating.md: the contract's tables, the kinds of the journal
    sequencer  docs/sequencer.md: the diagram, the table, the deadlines
    metrics    docs/metrics.md: what the processes export
    acl        deploy/redis/acl: the users of Redis
    captures   docs/console.md: screens of `trunkline top` and `doctor` (`make captures`)
    shots      pictures of the web console (`make shots`)
    terminal   a command in a real terminal: its screen and a keyboard
"""
