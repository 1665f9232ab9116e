"""The desk's pages over HTTP, as a browser without scripts sends them."""

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from shared.languages import LANGUAGES
from tests.service.street import Street

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


def send(street: Street, path: str = "/desk", **fields: Any) -> httpx.Response:
    return street.intake.post(path, data=fields, headers=FORM)


def key_in(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def recorded(street: Street, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 303, answer.text
    visit_id = answer.headers["location"].partition("done=")[2]
    visit: dict[str, Any] = street.intake.get(f"/visits/{visit_id}").json()
    return visit


def test_the_page_offers_every_category_under_a_key_of_its_own(street: Street) -> None:
    page = street.intake.get("/desk").text
    keys = re.findall(r'name="category" value="\w+" accesskey="(.)"', page)
    assert len(keys) == len(set(keys)) == 13


def test_a_visit_is_recorded_by_the_form_alone(street: Street, unique: str) -> None:
    visit = recorded(street, send(street, key=unique, category="health", channel="phone"))
    assert [request["category"] for request in visit["requests"]] == ["health"]
    assert visit["channel"] == "phone"


def test_the_form_sent_twice_records_one_visit(street: Street, unique: str) -> None:
    first = recorded(street, send(street, key=unique, category="legal"))
    assert recorded(street, send(street, key=unique, category="legal"))["visit_id"] == first["visit_id"]


def test_several_requests_are_gathered_without_a_script(street: Street, unique: str) -> None:
    page = send(street, key=unique, category="health", action="add").text
    assert 'name="request" value="health::"' in page
    second = send(street, key=unique, request=["health::"], category="administrative", next_administrative="here")
    visit = recorded(street, second)
    assert [(one["category"], one["answered"]) for one in visit["requests"]] == [
        ("health", False),
        ("administrative", True),
    ]


def test_a_request_is_taken_off_again(street: Street, unique: str) -> None:
    page = send(street, key=unique, request=["health::", "legal::"], remove=0).text
    assert 'value="legal::"' in page
    assert 'name="request" value="health::"' not in page


def test_a_topic_of_the_chosen_category_counts_and_no_other(street: Street, unique: str) -> None:
    topics = {"topic_health": "sante--prevention", "topic_legal": "travail--droit-du-travail"}
    visit = recorded(street, send(street, key=unique, category="legal", **topics))
    assert visit["requests"][0]["topic"] == "travail--droit-du-travail"


def test_another_partner_may_be_chosen(street: Street, unique: str) -> None:
    visit = recorded(street, send(street, key=unique, category="employment", next_employment="p15"))
    assert visit["requests"][0]["partner"] == "p15"


def test_nothing_chosen_is_said_and_records_nothing(street: Street, unique: str) -> None:
    answer = send(street, key=unique)
    assert answer.status_code == 422
    assert "Choisissez une catégorie." in answer.text


@pytest.mark.parametrize("field", ["category", "channel", "request", "topic_health"])
def test_a_forged_field_is_refused_or_dropped(street: Street, unique: str, field: str) -> None:
    answer = send(street, **{"key": unique, field: "nobody's"})
    assert answer.status_code == 422


def test_a_form_of_another_site_is_refused(street: Street, unique: str) -> None:
    foreign = {**FORM, "Sec-Fetch-Site": "cross-site"}
    assert street.intake.post("/desk", data={"key": unique, "category": "legal"}, headers=foreign).status_code == 403


def test_the_page_says_where_to_send_the_person(street: Street, unique: str) -> None:
    answer = send(street, key=unique, category="financial")
    page = street.intake.get(answer.headers["location"]).text
    assert "Où envoyer la personne" in page
    assert "/slip" in page


def test_the_day_is_counted_as_it_goes(street: Street, unique: str) -> None:
    def count() -> int:
        found = re.search(r'id="count">([\d\s\u202f]+)<', street.intake.get("/desk").text)
        assert found
        return int(re.sub(r"\D", "", found[1]))

    before = count()
    send(street, key=unique, category="housing")
    assert count() == before + 1


def test_a_confidential_topic_is_named_neither_on_the_screen_nor_on_the_slip(street: Street, unique: str) -> None:
    page = street.intake.get("/desk").text
    assert "Violences" not in page
    answer = send(street, key=unique, category="legal", topic_legal="famille--violences-conjugales")
    shown = street.intake.get(answer.headers["location"]).text
    assert "Violences" not in shown
    assert "<summary>Confidentiel" in shown
    slip = street.intake.get(f"/visits/{recorded(street, answer)['visit_id']}/slip").text
    assert "Rien à imprimer" in slip
    assert "ADAVIP" not in slip
    assert "Solidarité Femmes" not in slip


@pytest.mark.parametrize(
    ("visitor", "said"), [("en", "Please go to"), ("ar", 'dir="rtl"'), ("tr", "Nerede"), ("pt", "Onde")]
)
def test_the_slip_speaks_french_and_the_visitors_language(street: Street, visitor: str, said: str) -> None:
    visit_id = street.record("health")["visit_id"]
    slip = street.intake.get(f"/visits/{visit_id}/slip", params={"visitor": visitor}).text
    assert "Allez voir" in slip
    assert said in slip


def test_a_slip_of_no_visit_is_not_found(street: Street, unique: str) -> None:
    assert street.intake.get(f"/visits/{unique}/slip").status_code == 404


def test_a_lost_day_is_entered_once_however_often_the_sheet_is_sent(street: Street) -> None:
    day = date(2024, 5, 6)
    sheet = {"day": day.isoformat(), "sheet": 3, "sent_health": 4, "here_administrative": 2}
    assert "6 accueils enregistrés" in send(street, "/desk/tally", **sheet).text
    again = send(street, "/desk/tally", **sheet).text
    assert "0 accueil enregistré" in again
    assert "6 l’étaient déjà" in again
    more = send(street, "/desk/tally", **{**sheet, "sent_health": 5}).text
    assert "1 accueil enregistré" in more
    counted = street.stats.get("/stats/visits", params={"from": day.isoformat(), "to": day.isoformat()})
    assert counted.status_code == 200


def test_an_empty_sheet_and_a_day_to_come_are_refused(street: Street) -> None:
    assert send(street, "/desk/tally", day="2024-05-06").status_code == 422
    tomorrow = (date.today() + timedelta(days=2)).isoformat()  # noqa: DTZ011 - any day to come
    assert send(street, "/desk/tally", day=tomorrow, sent_health=1).status_code == 422
    assert send(street, "/desk/tally", day="2024-05-06", sent_health=-1).status_code == 422


def test_languages_often_spoken_here_come_first_and_all_others_after(street: Street, unique: str) -> None:
    def groups() -> list[list[str]]:
        options = street.intake.get("/desk").text.partition('<select name="language"')[2].partition("</select>")[0]
        return [re.findall(r'<option value="(\w+)"', group) for group in options.split("<optgroup")[1:]]

    often, others = groups()
    assert {"ar", "en", "fr", "pt", "tr"} <= set(often)
    assert len(often) + len(others) == len({*often, *others}) == len(LANGUAGES)
    # More often than any that other tests say.
    said = (
        '{"idempotency_key": "%s", "requests": [{"category": "administrative", "answered": true}], "language": "ka"}\n'
    )
    lines = "".join(said % f"{unique}-{n}" for n in range(100))
    answer = street.intake.post("/visits/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.text.count('"status":201') == 100
    assert "ka" in groups()[0]
    assert "ka" not in groups()[1]
