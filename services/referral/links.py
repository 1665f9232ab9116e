"""Signed links: a partner without an account answers one referral, once, on a page that its link opens.

Nothing is stored of a link: it says itself for what and until when it is good, under a key of the house. What uses
it up is the answer, whoever gives it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from secrets import token_urlsafe
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from services.referral.commands import AcceptReferral, DeclineReferral
from services.referral.decider import REFERRAL, referral_stream
from services.referral.handlers.referrals import By, Referrals
from services.referral.states import Referral, Standing
from services.referral.words import Status
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.decider import Refusal
from shared.envelope import Envelope
from shared.events.referral import ReferralEscalated, ReferralIssued, ReferralReminded
from shared.log import Log, VersionConflict
from shared.settings import Settings
from shared.whole_files import make_once

LINK_DAYS = 8
TOKEN_CHARACTERS_MAX = 300
ANSWER_RACES_MAX = 3
_PURPOSE = "maison.referral.answer"
# What the house does by itself is no answer: a link goes on being good after a reminder.
_CHASED = (ReferralReminded, ReferralEscalated)


class NoLink(Refusal):
    """No link leads to this referral. The same words for every reason, so that none can be guessed."""


class NotWaiting(Refusal):
    """It does not wait for a first answer (any more). `is_known`: there is, or was, such a referral."""

    def __init__(self, *, is_known: bool = True) -> None:
        super().__init__("it waits for no first answer")
        self.is_known = is_known


class Grant(NamedTuple):
    """What a token allows: to answer this referral, as it stood at this version, until then."""

    referral_id: str
    version: int
    expires_at: datetime


class Waiting(NamedTuple):
    """A referral that waits for a first answer, and its version by now."""

    handed: ReferralIssued
    version: int


class Links:
    """Gives links and takes their answers. `key` is asked for when the first link is made or read."""

    def __init__(
        self,
        key: Callable[[], bytes],
        log: Log,
        referrals: Referrals,
        catalogue: Catalogue,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._key, self._log, self._referrals, self._catalogue, self._now = key, log, referrals, catalogue, now

    async def give(self, referral_id: str) -> tuple[str, Grant]:
        """A token for a referral, and what it allows. Raises `NoLink` or `NotWaiting`. Nothing of it is kept."""
        history = await self._log.read(referral_stream(referral_id))
        state = _fold(history)
        if isinstance(state, Standing) and not self._may_leave_the_house(state.handed):
            raise NoLink
        if not isinstance(state, Standing) or state.status is not Status.ISSUED:
            raise NotWaiting(is_known=bool(history))
        expires_at = self._now() + timedelta(days=LINK_DAYS)
        grant = Grant(referral_id, len(history), expires_at.replace(microsecond=0))
        return self._signer.dumps([grant.referral_id, grant.version, int(grant.expires_at.timestamp())]), grant

    def read(self, token: str) -> Grant | None:
        """What a token allows; None when it is forged, of another house, or too old: nobody is told which."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            return None
        try:
            referral_id, version, expires_s = self._signer.loads(token)
        except BadData:
            return None
        expires_at = datetime.fromtimestamp(expires_s, UTC)
        return Grant(referral_id, version, expires_at) if self._now() < expires_at else None

    async def waiting(self, grant: Grant) -> Waiting:
        """The referral, if it still waits for this link's answer. Raises `NoLink` or `NotWaiting`."""
        history = await self._log.read(referral_stream(grant.referral_id))
        state = _fold(history)
        moved = any(not isinstance(envelope.event, _CHASED) for envelope in history[grant.version :])
        if not isinstance(state, Standing) or state.status is not Status.ISSUED or moved:
            raise NotWaiting
        if not self._may_leave_the_house(state.handed):
            raise NoLink
        return Waiting(state.handed, len(history))

    async def answer(self, grant: Grant, asked: AcceptReferral | DeclineReferral) -> None:
        """Carry out the answer. Raises `NoLink`, or `NotWaiting` when somebody has answered before."""
        for _ in range(ANSWER_RACES_MAX):
            waiting = await self.waiting(grant)
            try:
                await self._referrals.carry_out(
                    grant.referral_id, asked, By(waiting.handed.partner), expected=waiting.version
                )
            except VersionConflict:
                # A reminder, perhaps, and no answer: look again.
                continue
            return
        raise NotWaiting

    def _may_leave_the_house(self, handed: ReferralIssued) -> bool:
        """Whether it may be spoken of outside. A topic that the catalogue has lost may have been a sensitive one."""
        if handed.safe_to_contact is False:
            return False
        topic = self._catalogue.topics_by_code.get(handed.topic) if handed.topic else None
        return handed.topic is None or (topic is not None and not topic.sensitive)

    @cached_property
    def _signer(self) -> URLSafeSerializer:
        signing = {"key_derivation": "hmac", "digest_method": sha256}
        return URLSafeSerializer(self._key(), salt=_PURPOSE, signer_kwargs=signing)


def _fold(history: Sequence[Envelope]) -> Referral:
    return REFERRAL.fold(envelope.event for envelope in history)  # type: ignore[misc]


def links_key(settings: Settings) -> bytes:
    """The key of the house's links: the secret, if there is one; else the file, which the first link makes."""
    secret = settings.links_key.get_secret_value().strip()
    if secret:
        return secret.encode()
    # Of two first links, both are signed by the one key.
    return make_once(settings.data / "links.key", lambda: token_urlsafe(32).encode()).strip()
