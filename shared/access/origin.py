"""Whether a change comes from a page of ours: no other site may have a browser do something in somebody's name."""

from shared.access.credentials import Kind, Shown
from shared.web.problems import Problem

_OURS = (b"same-origin", b"none")


def check_origin(shown: Shown) -> None:
    """Raise the 403 problem for a change that another site's page asks for.

    A browser says where a request comes from (`Sec-Fetch-Site`, else `Origin`); a page cannot make it lie. With a
    session it must say so; whoever says nothing and shows no session is no browser that could be misled. A token is
    never sent by a browser of its own accord. Another port of this host is another site too: whatever listens there
    is not ours.
    """
    kind = shown.credential.kind if shown.credential else None
    if shown.fetch_site:
        is_ours = shown.fetch_site in _OURS
    elif kind is Kind.TOKEN or (kind is None and not shown.origin):
        is_ours = True
    else:
        is_ours = _has_our_origin(shown)
    if not is_ours:
        raise _elsewhere()


def _has_our_origin(shown: Shown) -> bool:
    # Compared as it came: what has to be taken apart first can be taken apart in two ways.
    return bool(shown.host) and shown.origin in (b"http://" + shown.host, b"https://" + shown.host)


def _elsewhere() -> Problem:
    detail = "The browser says that another site asks for this, or does not say who does. Do it on a page of the house."
    return Problem(403, "cross-site", "Asked for by another site", detail)
