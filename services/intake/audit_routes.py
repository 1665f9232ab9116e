"""The HTTP edge of the audit trail, for the data protection officer: reading it, and taking its head away."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.intake import chain
from services.intake.access import sign_ins, trail
from services.intake.access.trail import SignedHead, Signer
from services.intake.asking import access_of, who_asks
from services.intake.chain import Chain
from services.intake.vault import Vault, audit
from shared.clock import utc_now
from shared.database import Database
from shared.envelope import timestamp
from shared.web.app import problems
from shared.web.body import form_contract, read_form


class TrailPage(BaseModel):
    """Records, newest first; `next` is the `before` of the page behind this one."""

    records: list[dict[str, Any]]
    next: int | None


_Which = Literal["audit", "sign-ins"]


class HeadView(BaseModel):
    """Where a trail ends, signed. Keep it where this house cannot write."""

    trail: _Which
    sequence: int
    hash: str
    at: str
    signature: str
    public_key: str


class HeadForm(BaseModel):
    """A head that was taken before."""

    model_config = ConfigDict(extra="forbid")

    trail: _Which = "audit"
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


class _Trail(NamedTuple):
    """One of the trails. `purpose` goes into its signatures: no head of one is good for another."""

    database: Database
    chain: Chain
    purpose: str


def add_audit_routes(app: FastAPI, vault: Vault, door: Database, signer: Signer) -> None:
    """Add the routes. `door`: the database of accounts and sign-ins."""
    trails: Mapping[_Which, _Trail] = {
        "audit": _Trail(vault.database, audit.TRAIL, "maison-audit-head-1"),
        "sign-ins": _Trail(door, sign_ins.TRAIL, "maison-door-head-1"),
    }

    @app.get("/audit", tags=["audit"], summary="Who read and did what, newest first", responses=problems(422))
    async def read(
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="`next` of the page before")] = None,
    ) -> TrailPage:
        # Reading the trail is on the trail.
        await vault.note_access(access_of(await who_asks(request), "audit", utc_now()))
        records = await vault.database.read(lambda connection: trail.page(connection, before))
        full = len(records) == trail.PAGE_MAX
        return TrailPage(records=records, next=records[-1]["sequence"] if full else None)

    @app.get("/audit/head", tags=["audit"], summary="Where a trail ends, signed", responses=problems(422))
    async def head(which: Annotated[_Which, Query(alias="trail")] = "audit") -> HeadView:
        one = trails[which]
        sequence, digest = await one.database.read(lambda connection: trail.head(connection, one.chain))
        signed = await asyncio.to_thread(signer.sign, one.purpose, sequence, digest, timestamp(utc_now()))
        public_key = await asyncio.to_thread(lambda: signer.public_key)
        return HeadView(trail=which, **signed._asdict(), public_key=public_key)

    @app.post(
        "/audit/check",
        tags=["audit"],
        summary="Hold a trail against a head that was taken before",
        responses=problems(400, 413, 415, 422),
        openapi_extra=form_contract(HeadForm),
    )
    async def check(request: Request) -> CheckView:
        form = await read_form(request, HeadForm)
        taken = SignedHead(form.sequence, form.hash, form.at, form.signature)
        one = trails[form.trail]
        ours = await asyncio.to_thread(signer.is_ours, one.purpose, taken)
        continues = await one.database.read(lambda connection: trail.agrees(connection, one.chain, taken))
        whole = (await one.database.read(lambda connection: chain.check(connection, one.chain))).fault is None
        return CheckView(ours=ours, continues=continues, whole=whole)
