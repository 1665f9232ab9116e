"""A visit that was written down wrong: corrected, or voided because it never was. Nothing is erased."""
