"""Which move of a referral is allowed from where: the audit's own reading of the rules."""

from services.verify.documents import (
    ACCEPTED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    DECLINED,
    EXPIRED,
    MISSED,
    RECEIVED,
    REOPENED,
    REROUTED,
    WALKED,
    WITHDRAWN,
)

OPEN = frozenset({"issued", "accepted", "booked", "walked", "received", "missed"})
ENDS = frozenset({"completed", "declined", "rerouted", "expired", "withdrawn"})
FREES_ITS_PLACE = ENDS - {"completed"} | {"issued"}
"""A place that was used stays used."""

ALLOWED_FROM = {
    ACCEPTED: frozenset({"issued"}),
    DECLINED: OPEN - {"received"},
    REROUTED: OPEN - {"received"},
    BOOKED: OPEN - {"walked", "received"},
    CANCELLED: frozenset({"booked", "walked"}),
    WALKED: OPEN - {"walked", "received"},
    RECEIVED: OPEN - {"received"},
    MISSED: OPEN - {"missed", "received"},
    COMPLETED: frozenset({"accepted", "booked", "received", "missed"}),
    EXPIRED: OPEN - {"received"},
    WITHDRAWN: OPEN,
    REOPENED: ENDS,
}
