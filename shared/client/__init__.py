"""The Python client of a front desk: records visits over the public HTTP API, and keeps them when nobody answers.

    with DeskClient("http://127.0.0.1:8001", spool=Spool(Path("spool"))) as desk:
        desk.record(Visit(requests=[Request(category="housing")]))

It uses nothing of the house but its addresses: it can be taken along to any machine.
"""

from shared.client.desk import DeskClient, Kept, Recorded, Refused, Standing, Unreachable
from shared.client.forms import Correction, Request, RightRequest, Visit
from shared.client.spool import Spool
from shared.client.tokens import NotSwapped, SwappedToken

__all__ = [
    "Correction",
    "DeskClient",
    "Kept",
    "NotSwapped",
    "Recorded",
    "Refused",
    "Request",
    "RightRequest",
    "Spool",
    "Standing",
    "SwappedToken",
    "Unreachable",
    "Visit",
]
