"""The two headers that a change is asked with, as FastAPI reads and documents them."""

from typing import Annotated

from fastapi import Header

from shared.web.idempotency import KEY_PATTERN
from shared.web.versions import ETAG_PATTERN

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The version decided on, as read from ETag",
        json_schema_extra={"pattern": ETAG_PATTERN},
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Sent again with the same key, it is carried out once",
        json_schema_extra={"pattern": KEY_PATTERN},
    ),
]
