"""What every HTML page of the house stands on: templates, languages, forms, static files, and problems in words."""

from shared.web.pages.forms import FieldFault, FormFaults
from shared.web.pages.language import Language, language_of, mark
from shared.web.pages.menu import Menu
from shared.web.pages.notices import Notice
from shared.web.pages.rendering import Page, Pages
from shared.web.pages.routing import Asked, PageRouter, add_pages
from shared.web.pages.words import deadline, moment

__all__ = [
    "Asked",
    "FieldFault",
    "FormFaults",
    "Language",
    "Menu",
    "Notice",
    "Page",
    "PageRouter",
    "Pages",
    "add_pages",
    "deadline",
    "language_of",
    "mark",
    "moment",
]
