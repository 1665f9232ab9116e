"""Use cases of referral: a move is loaded, decided and appended together with what follows from it."""
