"""The house as real processes, under fire: killed, stopped, robbed of its bus; then audited."""
