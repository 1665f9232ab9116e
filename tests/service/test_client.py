"""The desk's client: a visit is recorded once, whatever happens to the network between."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest
from typer.testing import CliRunner

from services.visit_cli import app
from shared.client import (
    Correction,
    DeskClient,
    Kept,
    Recorded,
    Refused,
    Request,
    RightRequest,
    Spool,
    SwappedToken,
    Unreachable,
    Visit,
)
from shared.client.tokens import RENEWED_BEFORE_S
from tests.servers import running_valkey
from tests.service.street import Street, open_street

VISIT = Visit(requests=[Request(category="housing")])


def heads(street: Street) -> int:
    figures = street.intake.get("/health/ready").json()
    assert figures["ready"]
    position: int = street.intake.post("/visits", json={"requests": [{"category": "health"}]}).json()["position"]
    return position


@contextmanager
def a_line_that_drops_answers(street: Street, times: int) -> Iterator[str]:
    """An address that passes requests on, and loses the first answers on their way back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pass_on() -> None:
            for count in range(times + 1):
                near, _address = listener.accept()
                with near, socket.create_connection(("127.0.0.1", street.ports["intake"])) as far:
                    far.sendall(_whole(near))
                    answer = _whole(far)
                    if count >= times:
                        near.sendall(answer)

        thread = Thread(target=pass_on)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _whole(line: socket.socket) -> bytes:
    read = b""
    while not read.endswith(b"}"):
        read += line.recv(65_536)
    return read


def nobody() -> str:
    """An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_visit_is_recorded(street: Street) -> None:
    with DeskClient(street.url("intake")) as desk:
        recorded = desk.record(VISIT)
    assert isinstance(recorded, Recorded)
    view = street.intake.get(f"/visits/{recorded.visit_id}").json()
    assert [request["category"] for request in view["requests"]] == ["housing"]


def test_an_answer_that_is_lost_leads_to_no_second_visit(street: Street) -> None:
    before = heads(street)
    with a_line_that_drops_answers(street, times=2) as url, DeskClient(url, sleep=lambda _s: None) as desk:
        recorded = desk.record(VISIT)
    assert isinstance(recorded, Recorded)
    assert recorded.is_replay
    # A case and its visit, and those of the look itself.
    assert heads(street) == before + 4


def test_what_the_house_refuses_is_told_field_by_field(street: Street) -> None:
    with DeskClient(street.url("intake")) as desk, pytest.raises(Refused, match=r"requests\.0\.category"):
        desk.record(Visit(requests=[Request(category="no such thing")]))


def test_without_a_spool_a_house_that_does_not_answer_is_an_error() -> None:
    with DeskClient(nobody(), sleep=lambda _s: None) as desk, pytest.raises(Unreachable):
        desk.record(VISIT)


def test_what_cannot_be_sent_waits_and_is_sent_once(street: Street, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with DeskClient(nobody(), spool=spool, sleep=lambda _s: None) as desk:
        kept = [desk.record(VISIT) for _ in range(3)]
        assert desk.send_kept() == []
    assert [one.key for one in kept if isinstance(one, Kept)] == spool.keys()
    with DeskClient(street.url("intake"), spool=spool) as desk:
        # As after a cut between the house's answer and the file's removal.
        first = spool.keys()[0]
        body = spool.read(first)
        sent = desk.send_kept()
        spool.add(first, body)
        again = desk.send_kept()
    assert [one.key for one in sent] == [one.key for one in kept]
    assert [(one.visit_id, one.is_replay) for one in again] == [(sent[0].visit_id, True)]
    assert spool.keys() == []
    moment = street.intake.get(f"/visits/{sent[0].visit_id}").json()["occurred_at"]
    assert datetime.fromisoformat(moment) - datetime.fromisoformat(body["occurred_at"]) < timedelta(milliseconds=1)


def test_a_kept_visit_that_the_house_refuses_is_put_apart(street: Street, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add("a-key", {"requests": [{"category": "no such thing"}]})
    spool.add("b-key", VISIT.body())
    with DeskClient(street.url("intake"), spool=spool) as desk:
        assert [one.key for one in desk.send_kept()] == ["b-key"]
    apart = json.loads((tmp_path / "refused" / "a-key.json").read_bytes())
    assert apart["problem"]["errors"][0]["field"] == "requests.0.category"


def test_only_one_program_sends_at_a_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with spool.sending() as first, Spool(tmp_path).sending() as second:
        assert (first, second) == (True, False)


def test_a_spool_is_its_owners_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.add("a-key", VISIT.body())
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
    assert (tmp_path / "spool" / "a-key.json").stat().st_mode & 0o077 == 0


def test_the_command_line_records_keeps_and_sends(street: Street, tmp_path: Path) -> None:
    spool = ["--spool", str(tmp_path)]
    run = CliRunner()
    recorded = run.invoke(
        app, ["record", "housing", "legal", "--channel", "phone", "--url", street.url("intake"), *spool]
    )
    assert recorded.exit_code == 0, recorded.output
    assert recorded.output.startswith("Recorded: visit ")
    kept = run.invoke(app, ["record", "housing", "--url", nobody(), *spool])
    assert (kept.exit_code, "Kept in" in kept.output) == (0, True)
    refused = run.invoke(app, ["record", "nonsense", "--url", street.url("intake"), *spool])
    assert (refused.exit_code, "requests.0.category" in refused.output) == (1, True)
    sent = run.invoke(app, ["send", "--url", street.url("intake"), *spool])
    assert (sent.exit_code, sent.output) == (0, "1 sent, 0 left.\n")


def test_a_visit_is_put_right_and_voided_by_the_client(street: Street) -> None:
    visit_id = street.record("legal")["visit_id"]
    with DeskClient(street.url("intake")) as desk:
        standing = desk.correct(visit_id, Correction(channel="mail", requests=[RightRequest(category="housing")]))
        assert (standing.version, standing.voided_for) == (3, None)
        with pytest.raises(Refused, match="stands like that already"):
            desk.correct(visit_id, Correction(channel="mail"))
        with pytest.raises(Refused) as late:
            desk.void(visit_id, "duplicate", version=2)
        assert late.value.status == 412
        assert desk.void(visit_id, "duplicate", key=f"{visit_id}-void").voided_for == "duplicate"
        again = desk.void(visit_id, "duplicate", version=3, key=f"{visit_id}-void")
        assert again.version == 4


NOTHING_SAID = ["--language", "", "--need", "", "--no-children"]


def test_a_visit_is_put_right_and_voided_on_the_command_line(street: Street) -> None:
    visit_id = street.record("legal")["visit_id"]
    url = ["--url", street.url("intake")]
    told = CliRunner().invoke(app, ["correct", visit_id, "housing", "health", "--channel", "mail", *url])
    assert (told.exit_code, told.output) == (0, f"Visit {visit_id}: corrected, version 3\n")
    said = ["--language", "ar", "--need", "reader", "--need", "interpreter", "--children"]
    for right, expected in ((said, ("ar", ["interpreter", "reader"], True)), (NOTHING_SAID, (None, [], False))):
        assert CliRunner().invoke(app, ["correct", visit_id, *right, *url]).exit_code == 0
        visit = street.intake.get(f"/visits/{visit_id}").json()
        assert (visit["language"], visit["needs"], visit["children"], visit["channel"]) == (*expected, "mail")
    assert CliRunner().invoke(app, ["void", visit_id, "--reason", "because", *url]).exit_code == 1
    assert CliRunner().invoke(app, ["void", visit_id, *url]).output == f"Visit {visit_id}: void, version 6\n"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A house that lets nobody in who does not say who it is."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("closed"), bus, access="required") as street:
        yield street


def test_a_desk_shows_its_token_to_one_address_alone(closed: Street) -> None:
    shown: list[tuple[str, str]] = []
    issued = closed.ask_house("tokens", {"role": "front_desk", "site": "fontaine-d-ouche"})
    with DeskClient(closed.url("intake"), token=issued["token"]) as desk:
        desk._http.event_hooks["request"] = [
            lambda request: shown.append((request.url.path, request.headers["Authorization"]))
        ]
        recorded = [desk.record(VISIT) for _ in range(3)]
    assert all(isinstance(one, Recorded) for one in recorded)
    assert [path for path, token in shown if issued["token"] in token] == ["/session/token"]
    assert [path for path, _ in shown].count("/visits") == 3


def test_a_short_token_that_is_over_is_renewed_before_and_one_that_was_forgotten_is_swapped_anew(
    closed: Street,
) -> None:
    now = [0.0]
    auth = SwappedToken(closed.url("intake"), closed.token("front_desk"), lambda: now[0])
    used: list[str] = []
    with httpx.Client(base_url=closed.url("intake"), auth=auth) as desk:
        desk.event_hooks["request"] = [lambda request: used.append(request.headers["Authorization"])]
        for at in (0.0, 15 * 60 - RENEWED_BEFORE_S - 1, 15 * 60 - RENEWED_BEFORE_S):
            now[0] = at
            assert desk.get("/session").json()["role"] == "front_desk"
        # Asked, used, used again; asked for anew and used, before it is over.
        assert [used.index(token) for token in used] == [0, 1, 1, 0, 4]
        auth._short = auth._short[:-9] + "x" * 9
        assert desk.get("/session").status_code == 200
        assert len(used) == 8


def test_a_visit_waits_while_the_house_cannot_swap_the_token(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with DeskClient(nobody(), spool=spool, token="mai_of_nobody", sleep=lambda _s: None) as desk:
        kept = desk.record(VISIT)
    assert isinstance(kept, Kept)
    assert spool.keys() == [kept.key]


def test_a_desk_that_is_not_let_in_any_more_keeps_what_waits(closed: Street, tmp_path: Path) -> None:
    issued = closed.ask_house("tokens", {"role": "front_desk"})
    closed.ask_house("tokens/revoke", {"token_id": issued["token_id"]})
    spool = Spool(tmp_path / "spool")
    spool.add("a-key", VISIT.body())
    with DeskClient(closed.url("intake"), spool=spool, token=issued["token"]) as desk, pytest.raises(Refused) as why:
        desk.send_kept()
    assert why.value.status == 401
    assert spool.keys() == ["a-key"]
    (tmp_path / "token").write_text(issued["token"])
    where = ("--url", closed.url("intake"), "--spool", str(spool.folder), "--token-file", str(tmp_path / "token"))
    told = CliRunner().invoke(app, ["send", *where])
    assert (told.exit_code, "1 left" in told.output) == (1, True)


def test_a_house_that_swaps_nothing_is_shown_the_token_itself(tmp_path: Path) -> None:
    auth = SwappedToken("http://house.invalid", "mai_long")

    def answer(request: httpx.Request) -> httpx.Response:
        is_swap = request.url.path == "/session/token"
        return httpx.Response(404 if is_swap else 200, text=request.headers["Authorization"])

    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as desk:
        for _ in range(2):
            assert desk.get("http://house.invalid/visits/x").text == "Bearer mai_long"
