"""What is sent to be let in, and to let others in."""

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.intake.access.accounts import LOGIN
from services.intake.access.tokens import DAYS_MAX
from shared.access.cookies import PROVIDER_BYTES_MAX
from shared.access.credentials import Kind
from shared.access.principal import Role
from shared.catalogue import Catalogue
from shared.web.problems import FieldError, invalid

_CODE = r"^[a-z0-9_-]{1,64}$"


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignInForm(_Form):
    """Login and password; `new_password` where one has to be chosen, or somebody wants another."""

    login: str = Field(max_length=64)
    password: str = Field(max_length=256)
    new_password: str | None = Field(default=None, max_length=256)


class AccessForm(_Form):
    """Whose credential it is, asked by a service of the house."""

    kind: Kind
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    uses: bool


class EndForm(_Form):
    """Which session is over, by its digest, and what leads its person out of the provider: its token, and back."""

    digest: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    token: str | None = Field(default=None, max_length=PROVIDER_BYTES_MAX)
    back: str = Field(default="", max_length=1_000)


class _Scope(_Form):
    role: Role
    partner: str | None = Field(default=None, pattern=_CODE)
    site: str | None = Field(default=None, pattern=_CODE)

    @model_validator(mode="after")
    def _partner_and_role(self) -> "_Scope":
        if (self.role is Role.PARTNER) != (self.partner is not None):
            raise PydanticCustomError("partner", "A partner's code goes with the role partner, and with no other")
        return self

    def check(self, catalogue: Catalogue) -> None:
        """Raise the 422 problem for a partner or site that the house does not have."""
        errors: list[FieldError] = []
        if self.partner is not None and self.partner not in catalogue.partners_by_code:
            errors.append({"field": "partner", "detail": "There is no such partner."})
        if self.site is not None and self.site not in catalogue.sites_by_code:
            errors.append({"field": "site", "detail": "There is no such site."})
        if errors:
            raise invalid(errors)


class TokenForm(_Scope):
    """A token to be issued."""

    days: int = Field(default=DAYS_MAX, ge=1, le=DAYS_MAX)


class AccountForm(_Scope):
    """An account to be made."""

    login: str = Field(pattern=f"^{LOGIN.pattern}$")
    display_name: str = Field(min_length=1, max_length=80)


class LoginForm(_Form):
    """Which account."""

    login: str = Field(max_length=64)


class TokenIdForm(_Form):
    """Which token."""

    token_id: str = Field(max_length=64)
