"""The house in one process, on a clock that is turned by hand and a bus that is a model, with faults drawn by lot.

What is under test is real: the recording of visits, the log on SQLite, the relay, the Redis client, FastStream,
the subscriptions, the timer. What is a model is what strikes: the clock, the wires, the server at their end, and the
moment at which a process dies. All chance comes from one seed, so a run that fails is run again by its number.
"""
