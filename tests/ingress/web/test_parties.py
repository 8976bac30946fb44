"""Who is who on a call, in every way that Twilio writes it."""

from __future__ import annotations

import pytest

from ingress.web.parties import MOST, MOST_CHARS, Parties, read_carried, read_parties

LINE, PERSON, DESK = "+15550002222", "+15550001111", "+15550003333"


def parties(
    caller: str = PERSON, called: str = LINE, forwarded: str = "", direction: str = "inbound"
) -> Parties:
    return read_parties({"From": caller, "To": called, "ForwardedFrom": forwarded, "Direction": direction})


def test_of_a_call_that_comes_in_the_person_is_the_caller() -> None:
    """And the called number is ours."""
    found = parties()
    assert (found.person, found.line, found.forwarded_by) == (PERSON, LINE, "")


@pytest.mark.parametrize("direction", ["outbound-api", "outbound-dial"])
def test_of_a_call_that_we_placed_the_person_is_the_callee(direction: str) -> None:
    """Their number is theirs and is masked; ours chooses the agent."""
    found = parties(caller=LINE, called=PERSON, direction=direction)
    assert (found.person, found.line, found.is_loop) == (PERSON, LINE, False)


@pytest.mark.parametrize(
    "called",
    ["15550002222", "+1 (555) 000-2222", "sip:+15550002222@pbx.example.com;transport=tls", "0015550002222"],
)
def test_our_number_is_one_in_any_spelling(called: str) -> None:
    """The agent is chosen by it."""
    assert parties(called=called).line == LINE


def test_a_called_name_stays_as_it_came() -> None:
    """It is no number, and may be a person's choice in the agents' file one day."""
    assert parties(called="client:desk").line == "client:desk"


@pytest.mark.parametrize(
    "caller",
    ["sip:alice@pbx.example.com", "sip:+15550001111@pbx.example.com", "client:alice", "anonymous",
     "Anonymous", "+266696687", "266696687", "unavailable", "+86282452253", "", "15550001111"],
)  # fmt: skip
def test_who_has_no_number_to_show_is_shown_as_us(caller: str) -> None:
    """Twilio would refuse the dial, or the number's exchange would."""
    assert parties(caller=caller).caller_id(DESK) == LINE


def test_a_caller_with_a_number_is_shown_as_themselves() -> None:
    """No caller id of ours: whoever is dialled sees who calls."""
    assert parties().caller_id(DESK) == ""


def test_where_the_called_number_is_none_one_of_the_agents_is_shown() -> None:
    """A Client that called an application; without any number nothing is said."""
    assert parties(caller="client:alice", called="client:desk").caller_id(DESK) == DESK
    assert parties(caller="client:alice", called="client:desk").caller_id("") == ""


def test_on_a_call_that_we_placed_we_are_shown() -> None:
    """The number of whom we called is not ours to show."""
    assert parties(caller=LINE, called=PERSON, direction="outbound-api").caller_id("") == LINE


@pytest.mark.parametrize(
    ("caller", "forwarded", "is_loop"),
    [
        (PERSON, "", False),
        (PERSON, DESK, False),
        (LINE, "", True),
        ("15550002222", "", True),
        (PERSON, LINE, False),
    ],
)
def test_our_own_number_calling_itself_is_a_loop(caller: str, forwarded: str, is_loop: bool) -> None:
    """A transfer with our caller id came back; a desk that forwards to us is none, nor is an ordinary call of
    a carrier that names the called number there."""
    assert parties(caller=caller, forwarded=forwarded).is_loop is is_loop


def test_two_names_that_are_alike_are_no_loop() -> None:
    """Only numbers come back."""
    assert not parties(caller="client:a", called="client:a").is_loop
    assert not parties(caller="", called="").is_loop


@pytest.mark.parametrize(
    ("destination", "comes_back"),
    [(DESK, True), (LINE, True), ("+15550004444", False), ("sip:a@b.example", False)],
)
def test_what_is_dialled_may_come_back(destination: str, comes_back: bool) -> None:
    """To where the call came from, or to us."""
    assert parties(forwarded=DESK).comes_back(destination) is comes_back


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


def test_of_a_webhook_by_get_what_twilio_says_is_not_the_users_either() -> None:
    """All of it stands in the URL then: the caller's number in full, the token of the call."""
    query = {
        "shop": "berlin", "agent": "sales", **OF_TWILIO,
        "SipHeader_X-Order": "4217", "SipHeader_shop": "evil", "campaign": "spring",
    }  # fmt: skip

    assert read_carried(query, query) == {"shop": "berlin", "x-order": "4217", "campaign": "spring"}


def test_it_has_its_bounds() -> None:
    """A carrier hands on whatever a trunk says."""
    assert len(read_carried({f"p{number}": "" for number in range(100)}, {})) == MOST
    assert read_carried({"long": "x" * MOST_CHARS, "": "x"}, {}) == {}
