"""Twilio's error and warning codes that the simulated side of a call can meet.

Why it exists: a record that says `31951` is compared with Twilio's console and its error pages, so the
numbers must be theirs. Owns: the numbers. Must not know: the words around them; who records a code decides
those. Source: Twilio error pages 11200 to 13214 and 31901 to 31955.
"""

from __future__ import annotations

from typing import Final

HTTP_RETRIEVAL_FAILURE: Final = 11200
TWIML_TOO_LARGE: Final = 11750
TWIML_UNPARSABLE: Final = 12100
TWIML_SCHEMA_WARNING: Final = 12200
INVALID_CONTENT_TYPE: Final = 12300
DIAL_CALLER_ID: Final = 13214

CONNECTION_TIMEOUT: Final = 31901
CONNECTION_REFUSED: Final = 31902
BROKEN_PIPE: Final = 31903
HOST_UNREACHABLE: Final = 31904
TLS_ERROR: Final = 31910
HANDSHAKE_ERROR: Final = 31920
CLOSED_BY_SERVER: Final = 31921
SCHEME_UNSUPPORTED: Final = 31922
MALFORMED_URL: Final = 31923
PROTOCOL_ERROR: Final = 31924
UPSTREAM_OVERFLOW: Final = 31930
MEDIA_DISCARDED: Final = 31931
TRACK_INVALID: Final = 31941
MALFORMED_MESSAGE: Final = 31950
INVALID_MESSAGE: Final = 31951

ONCE_PER_STREAM: Final = frozenset({UPSTREAM_OVERFLOW, MEDIA_DISCARDED, MALFORMED_MESSAGE, INVALID_MESSAGE})
"""Warnings that Twilio logs at most once for each media stream."""
