"""The published language: every event that crosses a topic, one module per owning service."""

from typing import get_args

from shared.events.base import Event
from shared.events.intake import IntakeEvent
from shared.events.referral import ReferralEvent

EVENT_TYPES: dict[str, type[Event]] = {
    event.event_type: event for event in (*get_args(IntakeEvent), *get_args(ReferralEvent))
}

__all__ = ["EVENT_TYPES", "Event", "IntakeEvent", "ReferralEvent"]
