"""What was published as tools for business intelligence like it: a star of facts and dimensions, in French.

`star.py` says what the tables are. On PostgreSQL they are views of a schema `bi` with a role that reads nothing else
(`postgresql.py`, `role.py`); everywhere they are an SQLite file that is made anew (`sqlite.py`).
A figure that is published later has its place in `closing.PUBLISHED` and `star.FACTS`: all else follows from there.
"""
