"""The HTTP edge of the audit trail, for the data protection officer: reading it, and taking its head away."""

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.intake.access import trail
from services.intake.access.trail import SignedHead, Signer
from services.intake.asking import who_asks
from services.intake.vault import Vault, audit
from shared.clock import utc_now
from shared.envelope import timestamp
from shared.web.app import problems
from shared.web.body import form_contract, read_form


class TrailPage(BaseModel):
    """Records, newest first; `next` is the `before` of the page behind this one."""

    records: list[dict[str, Any]]
    next: int | None


class HeadView(BaseModel):
    """Where the trail ends, signed. Keep it where this house cannot write."""

    sequence: int
    hash: str
    at: str
    signature: str
    public_key: str


class HeadForm(BaseModel):
    """A head that was taken before."""

    model_config = ConfigDict(extra="forbid")

    sequence: int = Field(ge=0, le=2**53)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    at: str = Field(max_length=40)
    signature: str = Field(max_length=100)
    public_key: str | None = Field(default=None, max_length=60)


class CheckView(BaseModel):
    """`ours`: this house signed it. `continues`: the trail goes on from there. `whole`: its chain has no fault."""

    ours: bool
    continues: bool
    whole: bool


def add_audit_routes(app: FastAPI, vault: Vault, signer: Signer) -> None:
    """Add the routes."""

    @app.get("/audit", tags=["audit"], summary="Who read and did what, newest first", responses=problems(422))
    async def read(
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="`next` of the page before")] = None,
    ) -> TrailPage:
        # Reading the trail is on the trail.
        await vault.note_access((await who_asks(request)).access("audit", utc_now()))
        records = await vault.database.read(lambda connection: trail.page(connection, before))
        full = len(records) == trail.PAGE_MAX
        return TrailPage(records=records, next=records[-1]["sequence"] if full else None)

    @app.get("/audit/head", tags=["audit"], summary="Where the trail ends, signed")
    async def head() -> HeadView:
        sequence, digest = await vault.database.read(trail.head)
        signed = await asyncio.to_thread(signer.sign, sequence, digest, timestamp(utc_now()))
        return HeadView(**signed._asdict(), public_key=await asyncio.to_thread(lambda: signer.public_key))

    @app.post(
        "/audit/check",
        tags=["audit"],
        summary="Hold the trail against a head that was taken before",
        responses=problems(400, 413, 415, 422),
        openapi_extra=form_contract(HeadForm),
    )
    async def check(request: Request) -> CheckView:
        form = await read_form(request, HeadForm)
        taken = SignedHead(form.sequence, form.hash, form.at, form.signature)
        ours = await asyncio.to_thread(signer.is_ours, taken)
        continues = await vault.database.read(lambda connection: trail.agrees(connection, taken))
        whole = (await vault.database.read(audit.check)).fault is None
        return CheckView(ours=ours, continues=continues, whole=whole)
