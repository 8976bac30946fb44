"""Faithful stand-ins for both ends of a call: Twilio's side and the model's side.

Demo, tests and benchmark talk to these instead of the paid services. They own the wire formats of
the two services as those behave in the field; they know nothing of ingress, brain and egress.
"""
