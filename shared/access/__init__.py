"""Who may do what: who asks (`principal_of`), the one policy table, and the gate that holds every request to it."""

from shared.access.principal import Principal, Role, principal_of

__all__ = ["Principal", "Role", "principal_of"]
