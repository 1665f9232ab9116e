"""Collective actions: what was held, how many came, and who of those whom the house knows.

`action.py` holds the rules, `holding.py` carries them out and reads them back, `forms.py` and `routes.py` are the edge.
"""
