"""What the house's own command line asks of the vault: turn the master key, check the audit trail, copy."""

import hmac
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header

from services.intake.vault import RotationRefused, Vault, audit
from shared.web.problems import Problem, not_found


def add_vault_routes(app: FastAPI, vault: Vault, house_key: Callable[[], str | None]) -> None:
    """Add the routes; they are no part of the public contract."""

    async def key(x_house_key: Annotated[str, Header()] = "") -> None:
        expected = house_key()
        if expected is None or not hmac.compare_digest(expected.encode(), x_house_key.encode()):
            raise not_found("page")

    guarded: dict[str, Any] = {"include_in_schema": False, "dependencies": [Depends(key)]}

    @app.post("/internal/vault/rotate", **guarded)
    async def rotate() -> dict[str, int]:
        try:
            return {"keys_wrapped_again": await vault.keys.rotate()}
        except RotationRefused as refusal:
            raise Problem(409, "rotation-refused", "The master key is a secret of yours", f"{refusal}.") from None

    @app.get("/internal/vault/audit", **guarded)
    async def trail() -> dict[str, Any]:
        return (await vault.database.read(audit.check))._asdict()

    @app.post("/internal/vault/copy", **guarded)
    async def copy(part: Literal["vault", "keys"], target: str) -> dict[str, str]:
        await vault.copy(part, target)
        return {"copied": target}

    @app.get("/internal/vault/forgotten", **guarded)
    async def forgotten() -> list[dict[str, str]]:
        return [{"owner": owner, "at": at} for owner, at in await vault.keys.forgotten()]
