"""Some of the referrals that were loaded are answered, by partners over HTTP: so that their figures are counted too."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from shared.clock import utc_now

ANSWERED_MAX, WEEKS = 60, 12


async def answer(referral: httpx.AsyncClient, data: Path, chance: Random) -> None:
    """Each is accepted; some get a place, some are completed then, and some of these are opened again."""
    first = utc_now().date()
    days = {"from": first.isoformat(), "to": (first + timedelta(weeks=WEEKS)).isoformat()}
    for referral_id, partner, site in _issued(data, chance):
        moves: list[tuple[str, Any]] = [("accept", None)]
        held = (await referral.get("/permanences", params={**days, "partner": partner, "site": site})).json()
        free = [one["permanence_id"] for one in held if one["places_left"]]
        if free and chance.random() < 0.7:
            moves.append(("book", {"permanence_id": chance.choice(free)}))
        if chance.random() < 0.7:
            moves.append(("complete", {"outcome": "helped"}))
            if chance.random() < 0.3:
                moves.append(("reopen", {"reason": "mistake"}))
        for version, (verb, body) in enumerate(moves, 1):
            path = f"/referrals/{referral_id}/{verb}"
            told = await referral.post(path, headers={"If-Match": f'"{version}"'}, json=body)
            assert told.status_code == 200, told.text


def _issued(data: Path, chance: Random) -> list[tuple[str, str, str]]:
    """Some referrals that nobody has touched: id, partner, site."""
    query = """
        SELECT substr(stream, length('referral-') + 1), json_extract(entry, '$.data.partner'),
            json_extract(entry, '$.data.site')
        FROM events WHERE json_extract(entry, '$.type') = 'referral.issued.v1' LIMIT ?
    """
    with closing(sqlite3.connect(f"file:{data / 'referral.sqlite3'}?mode=ro", uri=True)) as log:
        found = log.execute(query, (10 * ANSWERED_MAX,)).fetchall()
    return chance.sample(found, min(ANSWERED_MAX, len(found)))
