"""What a person is told when traffic cannot be made, and the kinds by which requests fail."""

from __future__ import annotations

TIMEOUT = "timeout"
"""Sent, and no complete answer within the plan's timeout."""
REFUSED = "refused"
"""No connection could be made, or none within the plan's timeout: the server knows nothing of it."""
RESET = "reset"
"""The server ended the connection before its answer was complete."""
STATUS = "status"
"""A complete answer with a status that the plan does not expect."""
PROTOCOL = "protocol"
"""The answer is not HTTP, or goes on after its end."""

KINDS = (TIMEOUT, REFUSED, RESET, STATUS, PROTOCOL)
"""All kinds; a request that failed has exactly one."""


class JobError(ValueError):
    """The job cannot be done as it stands. The message is one line for a person."""
