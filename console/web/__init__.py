"""The web console: calls and workers in a browser, and the few things that an operator may do.

Why it exists: people look before they read. Owns: pages, their events, who may see and do what. Must not
know: the roles; how a call is read, judged or hung up (calls/), what a picture of it is made of (story/). It
reads what the command line reads, by the same modules, and asks Redis once for all who look.

    gate      who may come in, and from where a form may come
    seals     signed texts: sessions, forms
    guard     the gate in front of every request, and the headers of every answer
    hiding    what of numbers and words is shown
    rows      what the pages show of live and past calls, workers
    oncall    what the page of one call shows
    desk      what every page needs, and the frame that all have
    reading   one look for all who watch; one call with what was added since
    render    templates, and how a value becomes text
    pages     what is asked for: the pages
    events    what is pushed: parts of pages that have changed
    actions   what is done: by POST alone, each written down
    server    the process
    commands  `web`
"""
