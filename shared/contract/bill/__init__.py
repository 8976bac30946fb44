"""What calls have used and what they have cost: on the card of each, and of a day together.

Must not know: prices, budgets.

    usage  what a call has used of its models
    spent  what all calls of a day have cost
"""
