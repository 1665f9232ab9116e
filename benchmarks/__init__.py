"""How close the house comes to what the machine can do.

One module a figure: `limit(count)` measures the raw limit, or the peer, with servers that it starts itself in
a throwaway folder, `ours(count)` the house's own code. Both answer in the same unit, so that their ratio is
the figure. A rate is in events (or requests) a second, a latency in milliseconds.
"""
