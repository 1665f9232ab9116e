"""Into how many partitions a log is divided, for good, when it is created."""

PARTITIONS_SQLITE = 1
PARTITIONS_POSTGRESQL = 16
