"""Agents: who the model is on a call, chosen by the called number.

Owns: what an agent is, the file that they are written in. Must not know: a model's wire, the calls.

    agent      instructions, voice, language, greeting, tools, limits of one agent
    file       agents.toml: its shape, its checks, its sentences
    book       every agent of this process, and the tools of each
    publisher  tells ingress what Twilio's own voice says for each agent
    check      `python -m brain.agents.check`: what a brain makes of a file
"""
