"""Looking for somebody by name: who it may be, with just enough to tell two people apart."""

from collections.abc import Collection

from pydantic import BaseModel

from services.intake.persons import People
from services.intake.vault import Access, Erased, PersonUnknown
from services.intake.vault.identity import phone_ending

MATCHES_MAX = 20
_SHOWN = ("given_name", "family_name", "phone")


class MatchView(BaseModel):
    """Somebody whose name fits. `phone_ending`: three digits, no more. `exact`: in spelling, not in sound alone.

    `sealed`: a case about them is sealed, and not even the digits are told.
    """

    person_id: str
    given_name: str
    family_name: str
    phone_ending: str | None = None
    exact: bool
    likely_duplicate: bool
    sealed: bool = False


class SearchAnswer(BaseModel):
    """Who it may be. `more`: there are others, a fuller name finds them. `warning` in French, for the desk."""

    matches: list[MatchView]
    more: bool
    warning: str | None = None


async def search(people: People, name: str, access: Access, sealed_cases: Collection[str] = ()) -> SearchAnswer:
    """People in use whose name fits, the best first. Who was shown is on record."""
    found: list[str] = []
    exact: dict[str, bool] = {}
    for match in await people.vault.find(name):
        if len(found) > MATCHES_MAX:
            break
        if await _is_in_use(people, match.person_id):
            found.append(match.person_id)
            exact[match.person_id] = match.exact
    shown = found[:MATCHES_MAX]
    identities = await people.vault.show(shown, access, _SHOWN)
    sealed = await _sealed(people, shown, sealed_cases)
    matches = [
        MatchView(
            person_id=person_id,
            given_name=str(identity["given_name"]),
            family_name=str(identity["family_name"]),
            phone_ending=None if person_id in sealed else phone_ending(identity.get("phone")),
            exact=exact[person_id],
            # One word fits half a family: only a whole name is a reason to warn.
            likely_duplicate=exact[person_id] and len(name.split()) > 1,
            sealed=person_id in sealed,
        )
        for person_id in shown
        if (identity := identities.get(person_id))
    ]
    return SearchAnswer(matches=matches, more=len(found) > MATCHES_MAX, warning=_warning(matches))


def _warning(matches: list[MatchView]) -> str | None:
    likely = [match for match in matches if match.likely_duplicate]
    if not likely:
        return None
    endings = ", ".join(match.phone_ending or "inconnu" for match in likely)
    return f"Personne sans doute déjà connue : comparez la fin du téléphone ({endings}) avant d’en créer une autre."


async def _sealed(people: People, person_ids: list[str], cases: Collection[str]) -> set[str]:
    """Whom a sealed case is about."""
    if not cases:
        return set()
    return {one for one in person_ids if not (await people.family_of(one)).isdisjoint(cases)}


async def _is_in_use(people: People, person_id: str) -> bool:
    try:
        return not await people.is_restricted(await people.known(person_id))
    except (Erased, PersonUnknown):
        return False
