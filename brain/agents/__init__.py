"""Agents: who the model is on a call, chosen by the called number.

Owns: what an agent is, the file that they are written in. Must not know: a model's wire, the calls.

    agent         instructions, voice, language, greeting, tools, limits of one agent
    file          agents.toml: its shape, its checks, its sentences
    keys          how its values must look; the keys that shape a session with the model
    rules         what one key says of another
    merging       one agent out of its table, `[default]` and the settings
    offered       its tools and servers, made of their tables
    book          every agent of this process, and the tools of each
    publisher     tells ingress what Twilio's own voice says for each agent
    interruption  what a voice over a reply is: the words of one who only listens
    sounds        its files of sound, read and checked
    check         `python -m brain.agents.check`: what a brain makes of a file
"""
