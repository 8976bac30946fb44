"""What a number carries into a call: what of a request is the user's own."""

from __future__ import annotations

from ingress.web.carried import MOST, MOST_CHARS, read_carried

OF_TWILIO = {
    "CallSid": "CA1", "AccountSid": "AC1", "From": "+1", "To": "+2", "Called": "+2", "Caller": "+1",
    "CallStatus": "ringing", "ApiVersion": "2010-04-01", "Direction": "inbound", "FromCity": "X",
    "CalledCountry": "US", "CallerZip": "1", "ForwardedFrom": "+2", "StirVerstat": "A", "CallToken": "t",
    "SipCallId": "x", "SipDomain": "y", "ParentCallSid": "CA2", "CallerName": "ANN", "ApplicationSid": "AP1",
}  # fmt: skip


def test_what_twilio_says_by_itself_is_not_the_users() -> None:
    """Nor is the agent that the URL asks for."""
    assert read_carried(OF_TWILIO, {"agent": "sales"}) == {}


def test_the_query_custom_parameters_and_sip_headers_are() -> None:
    """The URL's first: whoever dials may write into a header."""
    form = {**OF_TWILIO, "SipHeader_X-Order": "4217", "SipHeader_shop": "evil", "campaign": "spring"}

    assert read_carried(form, {"shop": "berlin", "agent": "sales"}) == {
        "shop": "berlin", "x-order": "4217", "campaign": "spring",
    }  # fmt: skip


def test_it_has_its_bounds() -> None:
    """A carrier hands on whatever a trunk says."""
    assert len(read_carried({f"p{number}": "" for number in range(100)}, {})) == MOST
    assert read_carried({"long": "x" * MOST_CHARS, "": "x"}, {}) == {}
