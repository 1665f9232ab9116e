"""What intake knows of referrals: the read model behind the closed loop of a visit."""

from sqlalchemy import Boolean, Table, false
from sqlmodel import Column, Field, SQLModel, Text


class VisitReferral(SQLModel, table=True):
    """One referral of one request of a visit, as last heard."""

    __tablename__ = "visit_referrals"

    referral_id: str = Field(sa_column=Column(Text, primary_key=True))
    visit_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    request_id: str = Field(sa_column=Column(Text, nullable=False))
    partner: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    version: int
    issued_at: str = Field(sa_column=Column(Text, nullable=False))
    taken_on: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


VISIT_REFERRALS: Table = VisitReferral.__table__  # type: ignore[attr-defined]
