"""All HTTP of a call from Twilio's side, and the documents that answer it.

Owns: forms, signatures, requests with their retries, TwiML. Must not know: media.

    forms           the fields of each webhook
    signing         `X-Twilio-Signature`, for webhooks and for the upgrade
    sending         signed requests: timeouts, retries, one record each
    correspondence  the requests of one call
    twiml           documents, read as Twilio reads them
"""
