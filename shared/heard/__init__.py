"""Which words of a text were heard in so much time: the same for the model, for webhooks and for people who
look.

Must not know: whose text it is.

    words  where a text can be cut, in any script, and what of it was heard
    pace   how fast a model speaks
"""
