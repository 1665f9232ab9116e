"""Routing rules: each can fire, each names partners that answer, and no category is left without one."""

from collections.abc import Iterator

from shared.catalogue.draft import Draft, Finding
from shared.catalogue.parts import Category, Rule, Topic


def routes(draft: Draft) -> Iterator[Finding]:
    """Rules that never fire or send people to the wrong door, and requests that no rule would take."""
    categories = {category.code: category for category in draft.categories.values()}
    topics = {topic.code: topic for topic in draft.topics.values()}
    yield from _topics_of_partners(draft, topics)
    for place, rule in draft.rules.items():
        category, topic = categories.get(rule.category), topics.get(rule.topic or "")
        yield from _subject(place, rule, category, topic)
        yield from _doors(draft, place, rule, topics)
    yield from _never_reached(draft)
    yield from _without_rule(draft)


def _topics_of_partners(draft: Draft, topics: dict[str, Topic]) -> Iterator[Finding]:
    for place, partner in draft.partners.items():
        for at, code in enumerate(partner.topics):
            topic = topics.get(code)
            if topic is not None and topic.category not in partner.categories:
                what = f'topic "{code}" is of "{topic.category}", which {partner.code} does not answer'
                yield Finding(("partners", place, "topics", at), what)


def _subject(place: int, rule: Rule, category: Category | None, topic: Topic | None) -> Iterator[Finding]:
    if category is not None and category.on_the_spot:
        what = f'category "{category.code}" is answered on the spot: this rule would never fire'
        yield Finding(("rules", place, "category"), what)
    if topic is not None and topic.category != rule.category:
        yield Finding(("rules", place, "topic"), f'topic "{topic.code}" is of category "{topic.category}"')


def _doors(draft: Draft, place: int, rule: Rule, topics: dict[str, Topic]) -> Iterator[Finding]:
    partners = {partner.code: partner for partner in draft.partners.values()}
    for at, code in enumerate(rule.partners):
        partner = partners.get(code)
        if partner is None:
            continue
        path = ("rules", place, "partners", at)
        if rule.category not in partner.categories:
            yield Finding(path, f'{code} ({partner.name}) does not answer category "{rule.category}"')
        elif rule.topic in topics and not partner.takes(topics[rule.topic], topics):
            yield Finding(path, f'{code} ({partner.name}) does not list topic "{rule.topic}"')


def _never_reached(draft: Draft) -> Iterator[Finding]:
    first: dict[tuple[str, str | None], int] = {}
    for place, rule in draft.rules.items():
        earlier = first.get((rule.category, None), first.get((rule.category, rule.topic)))
        if earlier is not None:
            line = draft.lines.of(("rules", earlier))
            what = f'never fires: rule "{draft.rules[earlier].id}" on line {line} takes its requests first'
            yield Finding(("rules", place), what)
        first.setdefault((rule.category, rule.topic), place)


def _without_rule(draft: Draft) -> Iterator[Finding]:
    for place, category in draft.categories.items():
        if not category.on_the_spot and (category.code, None) not in draft.ruled:
            only = any(ruled == category.code for ruled, _ in draft.ruled)
            which = "its requests without a topic" if only else "its requests"
            what = f'category "{category.code}" has no rule of its own: {which} would all be unmet'
            yield Finding(("categories", place), what)
    for place, topic in draft.topics.items():
        if topic.sensitive and (topic.category, topic.code) not in draft.ruled:
            what = f'sensitive topic "{topic.code}" has no rule of its own: its requests would all be unmet'
            yield Finding(("topics", place), what)
