"""Logs passed on to their readers as the topics would, by the services' own code: a house without a bus."""

from services.intake.consumers import referral_topic
from services.referral.consumers import intake_topic
from services.referral.keeping import keeper
from services.stats.consumers import topics
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.settings import Settings
from shared.subscription import Place, Subscription, Topic
from shared.subscription.batch import hear

ENTRIES_MAX = 10_000


def nothing() -> None:
    """Nobody waits for it."""


def referral_log(database: Database, catalogue: Catalogue) -> Log:
    """The log of referral, its read models kept with it."""
    return Log(database, "referral", keeper(catalogue))


Reading = list[tuple[Subscription, Log]]
"""Each partition's reader, and the log that it reads."""


def readers(
    settings: Settings, databases: dict[str, Database], intake: Log, referral: Log, catalogue: Catalogue
) -> tuple[Reading, Reading]:
    """Who hears what: referral first, then those who count and show."""

    def hearing(reader: str, log: Log, topic: Topic) -> Reading:
        return [
            (Subscription(databases[reader], Place(reader, topic.source, partition), topic.react, nothing), log)
            for partition in range(topic.partitions)
        ]

    counted_intake, counted_referral = topics(settings.partitions, nothing)
    handing_over = intake_topic(referral, catalogue, settings.partitions)
    return hearing("referral", intake, handing_over), [
        *hearing("stats", intake, counted_intake),
        *hearing("stats", referral, counted_referral),
        *hearing("intake", referral, referral_topic(settings.partitions)),
    ]


async def pass_on(log: Log, subscription: Subscription, *, spoilt: int = 0, entries_max: int = ENTRIES_MAX) -> None:
    """Hand a partition of a log to its reader as the topic would; the entry at `spoilt` arrives as no JSON."""
    await subscription.load()
    entries = await log.read_after(subscription.place.partition, subscription.position, entries_max)
    await subscription.hear(
        [hear(entry.position, b"{" if entry.position == spoilt else entry.body) for entry in entries]
    )
