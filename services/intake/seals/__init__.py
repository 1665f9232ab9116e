"""Sealed cases: what nobody reads without saying why, for a while, and without the coordination being told."""
