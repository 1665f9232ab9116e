"""Figures: counts what `intake` and `referral` say, live, by day, week, month, year and in all.

Where a visit is counted: `projections.py` says what to add, `counting.py` adds it with the checkpoint.
"""
