"""The three services of a house, and the command line that runs them."""

SERVICES = ("intake", "referral", "stats")
