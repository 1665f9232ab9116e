"""The HTTP edge of referral, JSON: queues and referrals, moves, permanences, links, coordination."""
