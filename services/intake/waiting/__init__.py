"""The waiting room: who came and waits, by a number of the day and nothing else; received, or left.

The room of one site on one day is one stream. `room.py` is its rules, `arrivals.py` its use cases, `routes.py` its
edge. The desk's page of it is `services/intake/pages/waiting.py`.
"""
