"""Referrals: routes each request to the right partner's queue and follows it until it is closed.

Hears `intake`. Says, on topic `referral` and on each partner's queue, what was handed to whom and what came of it.
"""
