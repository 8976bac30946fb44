"""The parts of docs that are made from the code, so that they cannot be wrong.

Owns: what stands between the markers of those pages. Must not know: the words around them.

    parts      the markers, and the command that keeps a page current
    design     docs/design.md and docs/operating.md: the contract's tables, the kinds of the journal
    sequencer  docs/sequencer.md: the diagram, the table, the deadlines
    metrics    docs/metrics.md: what the processes export
    captures   docs/console.md: screens of `trunkline top` and `doctor` (`make captures`)
    terminal   a command in a real terminal: its screen and a keyboard
"""
