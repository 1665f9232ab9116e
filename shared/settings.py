"""What the environment may say, the same for every service: `MAISON_...`."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.partitions import PARTITIONS_POSTGRESQL, PARTITIONS_SQLITE

HOUSES = Path(__file__).parent.parent / "houses"


SECRETS = Path("/run/secrets")
"""Where a container finds what must not stand in a variable: one file a setting, such as `maison_database_url`."""


class Settings(BaseSettings):
    """Defaults serve one house on one machine. Secrets are read from files, never from variables."""

    model_config = SettingsConfigDict(
        env_prefix="MAISON_", frozen=True, secrets_dir=SECRETS if SECRETS.is_dir() else None
    )

    data: Path = Path("data")
    database_url: str = ""
    redis_url: str = ""
    catalogue: Path = HOUSES
    host: str = "127.0.0.1"
    intake_port: int = Field(default=8001, ge=0, le=65535)
    referral_port: int = Field(default=8002, ge=0, le=65535)
    stats_port: int = Field(default=8003, ge=0, le=65535)
    vault_key: SecretStr = SecretStr("")
    links_key: SecretStr = SecretStr("")
    bi_password: SecretStr = SecretStr("")
    access: Literal["open", "required"] = "open"
    https: bool = False
    hosts: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_secret: SecretStr = SecretStr("")
    oidc_label: str = ""
    oidc_scopes: str = "openid profile"
    oidc_role_claim: str = "roles"
    oidc_roles: str = ""
    oidc_name_claim: str = "name"
    oidc_acr: str = ""
    proxy: str = ""
    intake_url: str = ""
    referral_url: str = ""
    stats_url: str = ""
    traces: str = ""

    @field_validator("database_url")
    @classmethod
    def _one_file_a_service(cls, value: str) -> str:
        if value and not value.startswith("postgresql"):
            raise ValueError(
                "names a PostgreSQL database (postgresql+psycopg://...); leave it out for SQLite, one file a service"
            )
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _by_https_or_here(cls, value: str) -> str:
        host = urlsplit(value).hostname
        if value and not value.startswith("https://") and host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("begins with https://; without it only a provider on this machine is asked")
        return value

    @field_validator("hosts")
    @classmethod
    def _names_only(cls, value: str) -> str:
        if set(value) & set("/*@") or any(name.count(":") == 1 for name in _listed(value)):
            raise ValueError("lists names as they stand in addresses, without https://, without ports, without *")
        return value

    @property
    def listed_hosts(self) -> frozenset[str]:
        """The names that the house is told to answer to, in small letters, without ports."""
        return frozenset(name.lower().strip("[]") for name in _listed(self.hosts))

    @property
    def asks_intake_at(self) -> str:
        """Where the other services of this house reach intake."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - what it listens on
        return self.intake_url.rstrip("/") or f"http://{host}:{self.intake_port}"

    def address(self, service: str) -> str:
        """Where a service answers that runs elsewhere; empty where nobody said."""
        return str(getattr(self, f"{service}_url")).rstrip("/")

    def port(self, service: str) -> int:
        """The port that a service listens on."""
        return int(getattr(self, f"{service}_port"))

    def database(self, service: str) -> str:
        """The database of one service: a file of its own, or a schema of its own in the one database named."""
        return self.database_url or f"sqlite:///{self.data.absolute() / service}.sqlite3"

    @property
    def partitions(self) -> int:
        """Into how many partitions each log of this installation is divided."""
        return PARTITIONS_POSTGRESQL if self.database_url else PARTITIONS_SQLITE

    @property
    def house_file(self) -> Path:
        """The house file: the one named, or the only one in the folder named. Raises `FileNotFoundError`."""
        if self.catalogue.is_file():
            return self.catalogue
        files = sorted(self.catalogue.glob("*.toml"))
        if len(files) != 1:
            raise FileNotFoundError(
                f"MAISON_CATALOGUE: one .toml file expected in {self.catalogue}, found {len(files)}"
            )
        return files[0]

    @property
    def house_key(self) -> str | None:
        """What the command line and the services show to be let in at `/internal`; None: nobody is let in.

        The house makes it in the data folder; where parts share no folder, it is a secret file `maison_house_key`.
        """
        for path in (self.data / "house.key", SECRETS / "maison_house_key"):
            if path.exists():
                return path.read_text().strip() or None
        return None


def _listed(names: str) -> list[str]:
    return names.replace(",", " ").split()
