"""What partners and the house read of referrals in a browser."""
