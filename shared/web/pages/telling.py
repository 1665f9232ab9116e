"""Problems in the words of those who read pages. What a client of the API is told is said elsewhere."""

from shared.web.pages.language import mark
from shared.web.problems import Problem

_TOLD = {
    "not-found": (
        mark("Cette page n’existe pas"),
        mark("Vérifiez l’adresse, ou revenez à la page d’accueil."),
    ),
    "foreign-form": (
        mark("Ce formulaire vient d’un autre site"),
        mark("Rien n’a été enregistré. Ouvrez la page ici même et recommencez."),
    ),
    "cross-site": (
        mark("Ce formulaire vient d’un autre site"),
        mark("Rien n’a été enregistré. Ouvrez la page ici même et recommencez."),
    ),
    "not-allowed": (
        mark("Ce n’est pas votre rôle ici"),
        mark("Votre compte ne permet pas d’ouvrir cette page. Demandez à la coordination."),
    ),
    "provider-refused": (
        mark("La connexion n’a pas abouti"),
        mark("Recommencez depuis la page de connexion."),
    ),
    "no-role": (
        mark("Vous n’avez pas de rôle ici"),
        mark("Vous êtes reconnu, mais aucun rôle ne vous est donné : demandez à la coordination."),
    ),
    "case-sealed": (
        mark("Ce dossier est sous scellés"),
        mark("Demandez à la coordination, ou dites pourquoi vous devez le lire."),
    ),
    "case-closed": (
        mark("Ce dossier est clos"),
        mark("Rien n’a été enregistré. Rouvrez le dossier d’abord, ou enregistrez l’accueil sans lui."),
    ),
    "case-merged": (
        mark("Ce dossier est réuni avec un autre"),
        mark("Rien n’a été enregistré. Ouvrez l’autre dossier."),
    ),
    "person-erased": (
        mark("Cette personne a été oubliée"),
        mark("La maison ne garde plus rien sur elle. Si elle revient, ouvrez un autre dossier."),
    ),
    "person-restricted": (
        mark("Cette fiche n’est plus utilisée"),
        mark("Plus de nouvelles depuis deux ans. Un nouvel accueil dans son dossier la rouvre."),
    ),
    "twin-in-progress": (
        mark("C’est en train d’être enregistré"),
        mark("Le formulaire a été envoyé deux fois : il ne compte qu’une fois. Revenez voir dans un moment."),
    ),
    "sign-in-unavailable": (
        mark("Personne ne peut se connecter pour le moment"),
        mark("Attendez quelques secondes, puis recommencez."),
    ),
    "stale-version": (
        mark("Quelqu’un d’autre a été plus rapide"),
        mark("Rien n’a été enregistré. Revenez à la liste pour voir où en est cette demande."),
    ),
    "wrong-state": (
        mark("Ce n’est plus possible"),
        mark("Rien n’a été enregistré. Revenez à la liste pour voir où en est cette demande."),
    ),
    "invalid-fields": (
        mark("Cette adresse contient une erreur"),
        mark("Revenez à la page précédente et recommencez."),
    ),
    "unknown-host": (
        mark("La maison ne répond pas à cette adresse"),
        mark("Utilisez l’adresse habituelle. Pour en ajouter une, demandez à la personne qui s’occupe du logiciel."),
    ),
    "unknown-cursor": (
        mark("Cette adresse contient une erreur"),
        mark("Revenez à la page précédente et recommencez."),
    ),
    "too-large": (
        mark("Le formulaire est trop long"),
        mark("Rien n’a été enregistré. Raccourcissez ce que vous avez écrit."),
    ),
    "store-full": (
        mark("Le disque est plein"),
        mark("Rien n’a été enregistré. Prévenez la personne qui s’occupe du logiciel."),
    ),
    "store-unavailable": (
        mark("Le logiciel ne répond pas pour le moment"),
        mark("Rien n’a été enregistré. Attendez quelques secondes, puis recommencez."),
    ),
}
_ELSE = (
    mark("Cela n’a pas fonctionné"),
    mark("Recommencez. Si cela se répète, prévenez la personne qui s’occupe du logiciel."),
)


def told(problem: Problem) -> tuple[str, str]:
    """What is wrong, and what to do: two marked texts."""
    if problem.status == 404:
        return _TOLD["not-found"]
    return _TOLD.get(problem.slug, _ELSE)
