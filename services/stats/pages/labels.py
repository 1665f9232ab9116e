"""What the codes that figures are divided by are called, and in which order they are read."""

from collections.abc import Iterable, Mapping

from shared.catalogue import Catalogue
from shared.languages import LANGUAGES
from shared.web.pages import Language, mark

DIMENSIONS: Mapping[str, str] = {
    "category": mark("par catégorie"),
    "channel": mark("par modalité"),
    "partner": mark("par partenaire"),
    "site": mark("par site"),
    "status": mark("par état"),
    "result": mark("par résultat"),
    "reason": mark("par raison"),
    "language": mark("par langue"),
    "need": mark("par besoin pour se comprendre"),
    "wait": mark("par durée d’attente"),
    "delay": mark("par délai"),
    "kind": mark("par sorte d’action"),
    "identity": mark("avec ou sans nom"),
}
_CHANNELS = {
    "in_person": mark("À l’accueil"),
    "phone": mark("Par téléphone"),
    "mail": mark("Par courrier"),
    "email": mark("Par courriel"),
    "home": mark("À domicile"),
    "remote": mark("À distance"),
}
_STATUSES = {
    "open": mark("À traiter"),
    "answered": mark("Traitée sur place"),
    "referred": mark("Orientée"),
    "unmet": mark("Sans partenaire"),
    "issued": mark("Émise, sans réponse"),
    "accepted": mark("Acceptée"),
    "booked": mark("Rendez-vous donné"),
    "walked": mark("Personne accompagnée"),
    "received": mark("Personne reçue"),
    "missed": mark("Personne absente"),
    "completed": mark("Terminée"),
    "declined": mark("Refusée"),
    "rerouted": mark("Confiée à un autre partenaire"),
    "expired": mark("Expirée"),
    "withdrawn": mark("Retirée"),
    "given": mark("Remise"),
    "used": mark("Utilisée"),
}
_RESULTS = {
    "waiting": mark("En attente, ou sans suite notée"),
    "received": mark("Personne reçue"),
    "left": mark("Personne partie avant"),
}
_NEEDS = {"interpreter": mark("Interprète"), "reader": mark("Écrivain public")}
_WAITS = {
    "00-04": mark("Moins de 5 minutes"),
    "05-09": mark("De 5 à 9 minutes"),
    "10-19": mark("De 10 à 19 minutes"),
    "20-39": mark("De 20 à 39 minutes"),
    "40+": mark("40 minutes et plus"),
}
_DELAYS = {
    "000": mark("Le jour même"),
    "001-002": mark("1 ou 2 jours"),
    "003-007": mark("De 3 à 7 jours"),
    "008-014": mark("De 8 à 14 jours"),
    "015-030": mark("De 15 à 30 jours"),
    "031+": mark("31 jours et plus"),
}
_KINDS = {
    "thematic_meeting": mark("Rencontre thématique"),
    "health_morning": mark("Matinée santé"),
    "health_breakfast": mark("Petit-déjeuner santé"),
    "workshop": mark("Atelier"),
}
_IDENTITIES = {"named": mark("Connues de nom"), "anonymous": mark("Sans nom")}
_REASONS = {
    "house_staff": mark("Du ressort de l’équipe de la maison"),
    "unknown_site": mark("Site inconnu"),
    "unknown_category": mark("Catégorie inconnue"),
    "topic_of_another_category": mark("Sujet d’une autre catégorie"),
    "no_rule": mark("Aucune règle ne désigne de partenaire"),
    "no_active_partner": mark("Plus aucun partenaire ne s’en charge"),
    "no_partner_left": mark("Tous les partenaires possibles ont décliné"),
    "no_partner_for_topic": mark("Aucun partenaire pour ce sujet"),
}
CLOSED: Mapping[str, Mapping[str, str]] = {
    "channel": _CHANNELS,
    "status": _STATUSES,
    "result": _RESULTS,
    "reason": _REASONS,
    "need": _NEEDS,
    "wait": _WAITS,
    "delay": _DELAYS,
    "kind": _KINDS,
    "identity": _IDENTITIES,
}


class Labels:
    """The names of codes in one language. A code that the catalogue has no longer is told as it is."""

    def __init__(self, catalogue: Catalogue, language: Language) -> None:
        self._language = language
        self._named: Mapping[str, Mapping[str, str]] = {
            "category": {each.code: language.pick(each.label_fr, each.label_en) for each in catalogue.categories},
            "partner": {each.code: each.name for each in catalogue.partners},
            "site": {each.code: each.name for each in catalogue.sites},
            "language": {code: str(language.locale.languages[code]) for code in LANGUAGES},
        }

    def of(self, dimension: str, code: str) -> str:
        """The name of one code."""
        if dimension in CLOSED:
            words = CLOSED[dimension].get(code)
            return self._language.gettext(words) if words else code
        return self._named.get(dimension, {}).get(code, code)

    def ordered(self, dimension: str, codes: Iterable[str]) -> list[str]:
        """Codes in the catalogue's order, so that no line jumps while somebody reads it; unknown ones last."""
        order = list(CLOSED.get(dimension) or self._named.get(dimension, {}))
        places = {code: number for number, code in enumerate(order)}
        return sorted(codes, key=lambda code: (places.get(code, len(places)), code))
