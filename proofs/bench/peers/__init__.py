"""What Trunkline is compared with: Media Streams servers in the shapes in which others write them.

Why it exists: a comparison is fair only if each of them is what its authors show, written against what is
installed. Each is a process of its own and serves `/media`. Owns: these servers. Must not know: Trunkline,
the bench. The servers import nothing else of this repository: two of them run in environments without its
dependencies.

    common         what all of them are told and tell the model
    leanest        the leanest bridge that works: what the others are held against
    sample         the shape of Twilio's published sample
    openai_agents  the shape of the Twilio example of `openai-agents`
    pipecat_ai     the shape of the Twilio example of `pipecat-ai`
    venvs          environments of those that come from PyPI
"""
