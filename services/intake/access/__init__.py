"""Who is let in: accounts of people with their sessions, tokens of machines, and the record of who signed in.

Only intake has them. What the others need to know they ask by the digest of what was shown to them.
"""
