"""Figures of people: different ones are counted, by ids that mean nothing outside of intake.

`presences.py` says who was where, `families.py` which ids are one somebody, `keeping.py` keeps both in tables, and
`distinct.py` counts them over any range of days.
"""
