"""The catalogue: a house, its partners, their weekly schedule and the routing rules, from one TOML file."""

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.city import K_DEFAULT, K_MIN, LiveToCity, Secrecy
from shared.catalogue.deadlines import Deadlines
from shared.catalogue.faults import CatalogueError, Fault, UnknownCode
from shared.catalogue.openings import Opening
from shared.catalogue.part import WEEKDAYS, Weekday
from shared.catalogue.parts import Category, IdentityField, Partner, Rule, Topic
from shared.catalogue.reading import load_catalogue, read_catalogue
from shared.catalogue.schedule import Permanence, PermanenceException, Schedule
from shared.catalogue.site import Hours, Interval, Office, Site

__all__ = [
    "K_DEFAULT",
    "K_MIN",
    "WEEKDAYS",
    "Catalogue",
    "CatalogueError",
    "Category",
    "Deadlines",
    "Fault",
    "Hours",
    "IdentityField",
    "Interval",
    "LiveToCity",
    "Office",
    "Opening",
    "Partner",
    "Permanence",
    "PermanenceException",
    "Rule",
    "Schedule",
    "Secrecy",
    "Site",
    "Topic",
    "UnknownCode",
    "Weekday",
    "load_catalogue",
    "read_catalogue",
]
