"""The three services, served over real sockets on a real Valkey and SQLite, in the tests' own process."""
