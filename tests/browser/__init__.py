"""What only a browser shows: journeys by keyboard and touch, without scripts, and the rules of accessibility."""
