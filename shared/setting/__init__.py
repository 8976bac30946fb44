"""What settings.py is made of.

Why it exists: a hundred settings, each with its sentence, are more than one module. Owns: two halves of them,
what a value must look like, where it came from. Must not know: what a role does with a setting.

    service  whom a deployment talks to, where it listens, who answers
    console  those of console, archive and budgets
    forms    what a value must look like
    sources  which value is in effect, and where it came from
"""
