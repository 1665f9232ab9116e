"""What each figure says in both languages: its name, its unit, the day it is filed under, a defining sentence."""

from collections.abc import Mapping
from typing import NamedTuple

from services.stats.projections import HANDOVERS, MINUTES, NEEDS, REFERRALS, REQUESTS, VISITS


class Said(NamedTuple):
    """The same in French and in English."""

    fr: str
    en: str


class Definition(NamedTuple):
    """One figure in words. `unit` and `date_basis` in English are those that the API states."""

    name: Said
    unit: Said
    date_basis: Said
    sentence: Said


_DAY_OF_VISIT = Said(
    "le jour, à l’heure du site, où la personne est venue ou a appelé",
    "the local day on which the visit happened",
)

DEFINITIONS: Mapping[str, Definition] = {
    VISITS: Definition(
        Said("Accueils", "Visits"),
        Said("accueils", "visits"),
        _DAY_OF_VISIT,
        Said(
            "Une venue, un appel ou un courrier reçu à l’accueil compte une fois, avec une ou plusieurs demandes ; "
            "par catégorie, il compte une fois sous chaque catégorie demandée, et ces lignes dépassent donc le total.",
            "Somebody who comes, calls or writes counts once, however many requests they bring; by category the visit "
            "counts once under each category it brought, so that those lines add up to more than the total.",
        ),
    ),
    REQUESTS: Definition(
        Said("Demandes", "Requests"),
        Said("demandes", "requests"),
        _DAY_OF_VISIT,
        Said(
            "Chaque chose demandée pendant un accueil compte une fois et se trouve dans un seul état : "
            "à traiter, traitée sur place, orientée, ou sans partenaire.",
            "Each thing asked for during a visit counts once and stands at exactly one status: "
            "not handled yet, answered on the spot, referred, or without a partner.",
        ),
    ),
    REFERRALS: Definition(
        Said("Orientations", "Referrals"),
        Said("orientations", "referrals"),
        Said(
            "le jour, à l’heure du site, où l’orientation a été émise", "the local day on which the referral was issued"
        ),
        Said(
            "Chaque transmission d’une demande à un partenaire compte une fois ; une demande confiée à un second "
            "partenaire compte donc deux orientations. L’état est celui d’aujourd’hui, rangé au jour de l’émission.",
            "Each time a request is handed to a partner counts once; a request that goes on to a second partner is "
            "therefore two referrals. The status is today’s, filed under the day of issue.",
        ),
    ),
    HANDOVERS: Definition(
        Said("Accompagnements à la porte", "Walks to a partner’s door"),
        Said("accompagnements", "handovers"),
        Said(
            "le jour, à l’heure du site, où l’accompagnement à la porte du partenaire a pris fin",
            "the local day on which the walk to the partner's door ended",
        ),
        Said(
            "Chaque personne accompagnée à la porte d’un partenaire compte une fois, qu’elle ait été reçue ou qu’elle "
            "soit partie avant.",
            "Each person walked to a partner’s door counts once, whether they were received or left before.",
        ),
    ),
    MINUTES: Definition(
        Said("Minutes jusqu’au partenaire", "Minutes to the partner"),
        Said("minutes", "minutes"),
        Said(
            "le jour, à l’heure du site, où le partenaire a reçu la personne",
            "the local day on which the partner received the person",
        ),
        Said(
            "Les minutes entre le départ de l’accueil et l’entrée chez le partenaire, additionnées pour toutes les "
            "personnes reçues ; divisées par leur nombre, elles donnent l’attente moyenne.",
            "The minutes between leaving the desk and entering the partner’s door, added up over everybody received; "
            "divided by their number they give the average wait.",
        ),
    ),
    NEEDS: Definition(
        Said("Besoins sans réponse", "Unmet needs"),
        Said("besoins", "needs"),
        Said(
            "le jour, à l’heure du site, où le manque a été constaté", "the local day on which the need was found unmet"
        ),
        Said(
            "Chaque demande à laquelle aucun partenaire ne peut répondre compte une fois, tant qu’elle n’a pas "
            "trouvé preneur ; elle s’en va du compte dès qu’un partenaire la prend.",
            "Each request that no partner can answer counts once for as long as nobody takes it; it leaves the count "
            "when a partner does.",
        ),
    ),
}
