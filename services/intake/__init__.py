"""The front desk: owns cases and visits.

Says what was recorded, on topic `intake`. Hears from `referral` what became of each request, so that a visit
shows how it ended.
"""
