"""Invitations: at a visit with children to look after, a slip with a code for the house of a partner; later, who came.

`codes.py` makes the code, `invitation.py` is the rules, `giving.py` the use cases, `routes.py` the edge.
"""
