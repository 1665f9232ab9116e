"""Statuses, reasons and outcomes in the words of the desk."""

from services.referral.words import ChangeReason
from shared.web.pages import mark

STATUSES = {
    "issued": mark("À répondre"),
    "accepted": mark("Acceptée"),
    "booked": mark("Rendez-vous donné"),
    "walked": mark("Personne accompagnée à la porte"),
    "received": mark("Personne reçue"),
    "missed": mark("Personne absente"),
    "completed": mark("Terminée"),
    "declined": mark("Refusée"),
    "rerouted": mark("Confiée à un autre partenaire"),
    "expired": mark("Expirée"),
    "withdrawn": mark("Retirée"),
    "unmet": mark("Sans réponse possible"),
}
REASONS = {
    "no_capacity": mark("Pas de place en ce moment"),
    "not_eligible": mark("La personne n’y a pas droit"),
    "not_our_mission": mark("Ce n’est pas notre mission"),
    "unreachable": mark("La personne est injoignable"),
    "not_interested": mark("La personne ne souhaite pas donner suite"),
    "already_helped": mark("La personne est déjà aidée"),
    "missing_information": mark("Il manque des informations"),
    "duplicate": mark("Demande reçue deux fois"),
    "moved": mark("La personne a déménagé"),
    "other": mark("Autre raison"),
    "mistake": mark("C’était une erreur"),
    "came_back": mark("La personne est revenue"),
    "no_longer_needed": mark("Ce n’est plus utile"),
    "taken_back": mark("Rendue au partenaire précédent"),
    "visit_voided": mark("L’accueil a été annulé"),
    "visit_corrected": mark("L’accueil a été corrigé"),
}
WITHDRAWN_FOR = (
    ChangeReason.NO_CAPACITY,
    ChangeReason.NOT_ELIGIBLE,
    ChangeReason.NOT_OUR_MISSION,
    ChangeReason.NO_LONGER_NEEDED,
    ChangeReason.ALREADY_HELPED,
    ChangeReason.UNREACHABLE,
    ChangeReason.MOVED,
    ChangeReason.DUPLICATE,
    ChangeReason.MISTAKE,
    ChangeReason.OTHER,
)
"""What the desk may say when it takes a request back, those first after which the next partner is asked."""
SAID_BY = {"partner": mark("Nous, le partenaire"), "person": mark("La personne elle-même")}
OUTCOMES = {
    "helped": mark("La personne a été aidée"),
    "partly_helped": mark("La personne a été aidée en partie"),
    "not_helped": mark("La personne n’a pas pu être aidée"),
    "not_reached": mark("La personne n’a pas été jointe"),
}
DONE = {
    "accept": mark("Demande acceptée."),
    "decline": mark("Refus enregistré. La demande est proposée à un autre partenaire, s’il y en a un."),
    "book": mark("Rendez-vous enregistré."),
    "walk": mark("Personne accompagnée à la porte : c’est noté."),
    "receive": mark("Personne reçue : c’est noté."),
    "miss": mark("Absence notée."),
    "complete": mark("Demande terminée."),
    "withdraw": mark("Demande retirée."),
    "reopen": mark("Demande rouverte."),
    "undo": mark("C’est annulé : la demande est comme avant."),
}
"""What the next page says after each move."""
REFUSED = {
    "no-place-left": mark("Il n’y a plus de place à cette permanence : choisissez-en une autre."),
    "request-gone": mark("L’accueil a été annulé ou corrigé : cette demande n’existe plus."),
    "nothing-to-undo": mark("Il n’y a plus rien à annuler : cela a déjà été fait."),
    "invalid-fields": mark("Ce choix n’est pas possible : choisissez-en un autre."),
}
NOT_FROM_HERE = mark("Ce n’est plus possible pour cette demande.")
