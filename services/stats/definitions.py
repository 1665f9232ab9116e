"""What each figure says in both languages: its name, its unit, the day it is filed under, a defining sentence."""

from collections.abc import Mapping
from typing import NamedTuple

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.delays import ANSWER_DAYS, ANSWERS, OUTCOME_DAYS, OUTCOMES
from services.stats.people.presences import PARTICIPANTS, PEOPLE
from services.stats.places import CALLED_OFF, PLACES
from services.stats.projections import HANDOVERS, MINUTES, NEEDS, REFERRALS, REQUESTS, VISITS
from services.stats.waiting import ARRIVALS, INVITATIONS, WAITING


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

_DAY_OF_ARRIVAL = Said(
    "le jour, à l’heure du site, où la personne est arrivée", "the local day on which the visitor arrived"
)

_DAY_OF_ISSUE = Said(
    "le jour, à l’heure du site, où l’orientation a été émise", "the local day on which the referral was issued"
)

_DAY_OF_PERMANENCE = Said("le jour, à l’heure du site, de la permanence", "the local day of the permanence")

_DAY_OF_ACTION = Said("le jour, à l’heure du site, où l’action a eu lieu", "the local day on which the action was held")

DEFINITIONS: Mapping[str, Definition] = {
    VISITS: Definition(
        Said("Accueils", "Visits"),
        Said("accueils", "visits"),
        _DAY_OF_VISIT,
        Said(
            "Une venue, un appel ou un courrier reçu à l’accueil compte une fois, avec une ou plusieurs demandes ; "
            "par catégorie, il compte une fois sous chaque catégorie demandée, et ces lignes dépassent donc le total ; "
            "par langue et par besoin, seulement là où c’est noté.",
            "Somebody who comes, calls or writes counts once, however many requests they bring; by category the visit "
            "counts once under each category it brought, so that those lines add up to more than the total; by "
            "language and by need only where that was noted.",
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
        _DAY_OF_ISSUE,
        Said(
            "Chaque transmission d’une demande à un partenaire compte une fois ; une demande confiée à un second "
            "partenaire compte donc deux orientations. L’état est celui d’aujourd’hui, rangé au jour de l’émission.",
            "Each time a request is handed to a partner counts once; a request that goes on to a second partner is "
            "therefore two referrals. The status is today’s, filed under the day of issue.",
        ),
    ),
    ANSWERS: Definition(
        Said("Premières réponses", "First answers"),
        Said("réponses", "answers"),
        _DAY_OF_ISSUE,
        Said(
            "Chaque orientation compte une fois, dès que quelqu’un y a répondu : acceptée, refusée, rendez-vous donné, "
            "personne accompagnée, reçue ou absente. Le délai est en jours entiers, à l’heure du site, depuis "
            "l’émission ; rouverte, elle n’a pas de seconde première réponse. Ce qui s’est passé avant que les délais "
            "soient comptés n’y est pas.",
            "Each referral counts once, as soon as somebody has answered it: accepted, declined, appointment given, "
            "person walked, received or absent. The delay is in whole days at the site since the issue; reopened, it "
            "has no second first answer. What happened before delays were counted is not among them.",
        ),
    ),
    ANSWER_DAYS: Definition(
        Said("Jours jusqu’à la première réponse", "Days to the first answer"),
        Said("jours", "days"),
        _DAY_OF_ISSUE,
        Said(
            "Les jours entiers entre l’émission et la première réponse, additionnés ; divisés par les premières "
            "réponses, ils donnent le délai moyen.",
            "The whole days between the issue and the first answer, added up; divided by the first answers they give "
            "the mean delay.",
        ),
    ),
    OUTCOMES: Definition(
        Said("Orientations abouties", "Outcomes"),
        Said("résultats", "outcomes"),
        _DAY_OF_ISSUE,
        Said(
            "Chaque orientation terminée, avec un résultat, compte une fois ; le délai est en jours entiers, à l’heure "
            "du site, depuis l’émission. Rouverte, ou si la fin était une erreur, elle ne compte plus. Ce qui s’est "
            "passé avant que les délais soient comptés n’y est pas.",
            "Each referral completed, with an outcome, counts once; the delay is in whole days at the site since the "
            "issue. Reopened, or if its end was a mistake, it counts no more. What happened before delays were counted "
            "is not among them.",
        ),
    ),
    OUTCOME_DAYS: Definition(
        Said("Jours jusqu’au résultat", "Days to the outcome"),
        Said("jours", "days"),
        _DAY_OF_ISSUE,
        Said(
            "Les jours entiers entre l’émission et le résultat, additionnés ; divisés par les orientations abouties, "
            "ils donnent le délai moyen.",
            "The whole days between the issue and the outcome, added up; divided by the outcomes they give the mean "
            "delay.",
        ),
    ),
    PLACES: Definition(
        Said("Places réservées", "Places kept"),
        Said("places", "places"),
        _DAY_OF_PERMANENCE,
        Said(
            "Chaque place d’une permanence gardée pour une personne compte une fois, venue ou non ; rendue, ou la "
            "permanence annulée, elle ne compte plus. Le remplissage la rapporte aux places offertes, qui sont celles "
            "du planning d’aujourd’hui pour les jours passés, moins les permanences annulées : un planning changé "
            "depuis le change aussi. Ce qui a été réservé avant que les places soient comptées n’y est pas.",
            "Each place of a permanence kept for somebody counts once, whether they came or not; given back, or the "
            "permanence called off, it counts no more. Fullness divides it by the places offered, which are those that "
            "today’s schedule has for the past days, less what was called off: a schedule that has changed since "
            "changes it too. What was booked before places were counted is not among them.",
        ),
    ),
    CALLED_OFF: Definition(
        Said("Permanences annulées", "Permanences called off"),
        Said("permanences", "permanences"),
        _DAY_OF_PERMANENCE,
        Said(
            "Chaque permanence du planning qui a été annulée compte une fois.",
            "Each permanence of the schedule that was called off counts once.",
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
    ARRIVALS: Definition(
        Said("Arrivées en salle d’attente", "Arrivals in the waiting room"),
        Said("arrivées", "arrivals"),
        _DAY_OF_ARRIVAL,
        Said(
            "Chaque arrivée notée en salle d’attente compte une fois, par ce qu’elle est devenue : reçue, partie avant "
            "d’être reçue, ou en attente (le soir : sans suite notée) ; par attente, dès qu’elle est finie. Ce qui a "
            "été noté par erreur ne compte pas.",
            "Each arrival noted in the waiting room counts once, by what became of it: received, left before being "
            "received, or waiting (in the evening: nobody noted what became of it); by wait, as soon as it is over. "
            "What was noted by mistake does not count.",
        ),
    ),
    WAITING: Definition(
        Said("Minutes d’attente", "Minutes of waiting"),
        Said("minutes", "minutes"),
        _DAY_OF_ARRIVAL,
        Said(
            "Les minutes entières entre l’arrivée et l’accueil, ou le départ, additionnées ; celles des personnes "
            "reçues, divisées par leur nombre, donnent l’attente moyenne.",
            "The whole minutes between arriving and being received, or leaving, added up; those of who was received, "
            "divided by their number, give the average wait.",
        ),
    ),
    INVITATIONS: Definition(
        Said("Invitations aux familles", "Invitations to families"),
        Said("invitations", "invitations"),
        Said(
            "le jour, à l’heure du site, où l’invitation a été remise",
            "the local day on which the invitation was given",
        ),
        Said(
            "Chaque invitation remise lors d’un accueil avec des enfants à garder compte une fois : remise, puis "
            "utilisée quand la famille est venue ; elle reste rangée au jour de la remise. Celle d’un accueil annulé "
            "ne compte pas, à moins que la famille soit venue.",
            "Each invitation given at a visit with children to look after counts once: given, then used when the "
            "family has come; it stays under the day on which it was given. That of a visit that never was does not "
            "count, unless the family has come.",
        ),
    ),
    ACTIONS: Definition(
        Said("Actions collectives", "Collective actions"),
        Said("actions", "actions"),
        _DAY_OF_ACTION,
        Said(
            "Chaque rencontre thématique, matinée santé, petit-déjeuner santé ou atelier qui a eu lieu compte une "
            "fois ; par partenaire, sous chacun de ceux qui l’ont animé ou y sont intervenus.",
            "Each thematic meeting, health morning, health breakfast or workshop that was held counts once; by "
            "partner, under each of those that led it or spoke at it.",
        ),
    ),
    ATTENDANCES: Definition(
        Said("Participations", "Attendances"),
        Said("participations", "attendances"),
        _DAY_OF_ACTION,
        Said(
            "Toutes les personnes comptées à une action collective, nommées ou non : qui vient dix fois compte dix "
            "fois.",
            "Everybody counted at a collective action, named or not: whoever comes ten times counts ten times.",
        ),
    ),
    PARTICIPANTS: Definition(
        Said("Personnes différentes aux actions", "Different people at actions"),
        Said("personnes différentes", "people"),
        _DAY_OF_ACTION,
        Said(
            "Chaque personne notée parmi les présents d’une action compte une fois sur la période, si souvent qu’elle "
            "soit venue ; qui n’a été compté que dans le nombre des présents n’y est pas. Les lignes, et les périodes, "
            "ne s’additionnent pas.",
            "Each person noted among those who were there counts once over the period, however often they came; "
            "whoever was only counted in the headcount is not among them. Neither lines nor periods add up.",
        ),
    ),
    PEOPLE: Definition(
        Said("Personnes différentes", "Different people"),
        Said("personnes différentes", "people"),
        Said(
            "le jour, à l’heure du site, de l’accueil ; par partenaire, celui de l’orientation",
            "the local day of the visit; by partner, that on which the referral was issued",
        ),
        Said(
            "Chaque dossier différent compte une fois sur la période, avec ou sans nom : des dossiers réunis, ou qui "
            "concernent la même personne, n’en font qu’un. Qui revient sans être reconnu ouvre un autre dossier : sans "
            "nom, c’est donc un nombre au plus. Par partenaire, ce sont les personnes orientées vers lui. Les lignes, "
            "et les périodes, ne s’additionnent pas.",
            "Each different case counts once over the period, with or without a name: cases that were merged, or are "
            "about the same person, are one. Whoever comes back unrecognised opens another case: without a name it is "
            "therefore a number at most. By partner, it is the people referred to it. Neither lines nor periods add "
            "up.",
        ),
    ),
}
