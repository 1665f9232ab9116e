"""Signing in through a provider of OpenID Connect: a real one, as a process, and tokens that it never made."""

import base64
import hmac
import json
import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.intake.access.federated import Granted, NoRole, granted, login_of, read_roles
from services.intake.access.id_tokens import NotBelieved, claim_at, claims_of
from services.intake.access.provider import Provider, ProviderAway
from shared.access.principal import Role
from shared.settings import Settings
from tests.servers import running_valkey
from tests.servers.identity import IdentityProvider, path_of, running_provider
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street

PEOPLE: dict[str, dict[str, Any]] = {
    "zoe": {"name": "Zoé Inventée", "roles": ["elsewhere", "accueil"]},
    "caf": {"name": "Agent Inventé", "roles": ["caf"]},
    "nobody": {"name": "Sans Rôle"},
    "later": {"name": "Léa Inventée", "roles": ["accueil"]},
    "leaving": {"name": "Agent Inventé, parti", "roles": ["accueil"]},
}
ROLES = "coord=coordinator, accueil=front_desk, caf=partner:p01"
HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    """A provider that knows a few people."""
    with running_provider(PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object, provider: IdentityProvider
) -> Iterator[Street]:
    """A street where people sign in with it."""
    oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": "maison", "oidc_roles": ROLES, "oidc_secret": "s3"}
    with running_valkey() as bus:
        folder = tmp_path_factory.mktemp("house")
        with open_street(folder, bus, access="required", **oidc, oidc_label="Annuaire") as street:
            yield street


@pytest.fixture
def browser(house: Street) -> Iterator[httpx.Client]:
    """A browser that has not been here."""
    with httpx.Client(base_url=house.url("intake"), timeout=20, headers=HTML) as client:
        yield client


def sign_in(browser: httpx.Client, provider: IdentityProvider, sub: str | None, query: str = "") -> httpx.Response:
    """Away to the provider, and back."""
    away = browser.get(f"/sign-in/provider{query}")
    assert away.status_code == 303, away.text
    return browser.get(path_of(provider.sign_in(away.headers["location"], sub)))


def test_somebody_signs_in_through_the_provider_with_the_role_of_the_claim(
    house: Street, browser: httpx.Client, provider: IdentityProvider
) -> None:
    assert "Se connecter avec Annuaire" in browser.get("/sign-in").text
    back = sign_in(browser, provider, "zoe", "?service=referral&next=/desks")
    assert back.status_code == 200
    assert f"http://127.0.0.1:{house.ports['referral']}/desks" in back.text
    session = browser.get("/session").json()
    assert (session["role"], session["partner"]) == ("front_desk", None)
    assert "Zoé Inventée, accueil" in browser.get("/desk").text
    accounts = house.as_role("coordinator").get("/accounts").json()
    assert [one["display_name"] for one in accounts if one["account_id"] == session["account_id"]] == ["Zoé Inventée"]
    # The same account every time.
    sign_in(browser, provider, "zoe")
    assert browser.get("/session").json()["account_id"] == session["account_id"]


def test_what_is_asked_is_bound_to_this_browser_and_to_this_sign_in(browser: httpx.Client) -> None:
    first, second = (parse_qs(urlsplit(browser.get("/sign-in/provider").headers["location"]).query) for _ in range(2))
    assert (first["response_type"], first["code_challenge_method"]) == (["code"], ["S256"])
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 32
    assert "code_verifier" not in first


def test_who_comes_back_without_having_gone_is_not_let_in(
    house: Street, browser: httpx.Client, provider: IdentityProvider
) -> None:
    away = browser.get("/sign-in/provider").headers["location"]
    back = path_of(provider.sign_in(away, "zoe"))
    with httpx.Client(base_url=house.url("intake"), headers=HTML) as another:
        refused = another.get(back)
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
    forged = browser.get(back.replace("state=", "state=x"))
    assert forged.status_code == 401
    assert browser.get(back + "&session_state=x").status_code == 200
    # A code is good once.
    assert browser.get(back).status_code == 401


def test_an_answer_of_another_provider_is_not_taken(browser: httpx.Client, provider: IdentityProvider) -> None:
    away = browser.get("/sign-in/provider").headers["location"]
    back = path_of(provider.sign_in(away, "zoe"))
    assert browser.get(back + "&iss=https://elsewhere.invalid").status_code == 401
    assert browser.get(f"{back}&iss={provider.issuer}").status_code == 200


def test_whoever_says_no_at_the_provider_is_told_to_begin_again(
    browser: httpx.Client, provider: IdentityProvider
) -> None:
    refused = sign_in(browser, provider, None)
    assert refused.status_code == 401
    assert "n’a pas abouti" in refused.text


def test_nobody_gets_in_without_a_role(browser: httpx.Client, provider: IdentityProvider) -> None:
    refused = sign_in(browser, provider, "nobody")
    assert refused.status_code == 403
    assert "aucun rôle" in refused.text
    assert browser.get("/session", headers={"Accept": "application/json"}).status_code == 401


def test_a_partner_is_let_in_for_itself(browser: httpx.Client, provider: IdentityProvider) -> None:
    sign_in(browser, provider, "caf")
    assert browser.get("/session").json()["partner"] == "p01"


def test_a_role_that_changed_at_the_provider_ends_the_sessions_with_the_one_before(
    browser: httpx.Client, provider: IdentityProvider
) -> None:
    sign_in(browser, provider, "later")
    before = {"Cookie": f"maison_session={browser.cookies['maison_session']}", "Accept": "application/json"}
    provider.tell("later", {"name": "Léa Inventée", "roles": ["coord"]})
    sign_in(browser, provider, "later")
    assert browser.get("/session").json()["role"] == "coordinator"
    browser.cookies.clear()
    problem_of(browser.get("/session", headers=before), 401)


def test_an_account_that_is_shut_here_stays_out_whatever_the_provider_says(
    house: Street, browser: httpx.Client, provider: IdentityProvider
) -> None:
    sign_in(browser, provider, "leaving")
    account_id = browser.get("/session").json()["account_id"]
    accounts = house.as_role("coordinator").get("/accounts").json()
    login = next(one["login"] for one in accounts if one["account_id"] == account_id)
    # No password fits an account that has none.
    problem_of(browser.post("/session", json={"login": login, "password": ""}), 401)
    house.ask_house("accounts/disable", {"login": login})
    assert sign_in(browser, provider, "leaving").status_code == 403


def test_signing_out_leads_out_of_the_provider_too(browser: httpx.Client, provider: IdentityProvider) -> None:
    sign_in(browser, provider, "zoe")
    left = browser.post("/sign-out")
    assert left.status_code == 200
    assert f"{provider.issuer}/oauth2/end_session?id_token_hint=" in left.text
    assert browser.get("/session", headers={"Accept": "application/json"}).status_code == 401
    assert browser.post("/sign-out").status_code == 303


@pytest.mark.parametrize("service", ["referral", "stats"])
def test_signing_out_at_another_service_leads_out_of_the_provider_too(
    house: Street, browser: httpx.Client, provider: IdentityProvider, service: str
) -> None:
    sign_in(browser, provider, "zoe")
    here = {"Origin": house.url(service)}
    left = browser.post(f"{house.url(service)}/sign-out", headers=here)
    assert left.status_code == 200
    (way_out,) = re.findall(r'href="([^"]+/end_session[^"]+)"', left.text)
    asked = parse_qs(urlsplit(unescape(way_out)).query)
    assert way_out.startswith(f"{provider.issuer}/")
    assert asked["post_logout_redirect_uri"] == [f"{house.url('intake')}/sign-in"]
    assert asked["id_token_hint"][0].count(".") == 2
    assert browser.get("/session", headers={"Accept": "application/json"}).status_code == 401
    # Nothing of the provider is left in the browser, nor is there any way out for whoever never came from there.
    again = browser.post(f"{house.url(service)}/sign-out", headers=here)
    assert (again.status_code, "end_session" in again.text) == (200, False)


async def test_a_provider_that_is_away_is_told_as_such() -> None:
    settings = Settings(oidc_issuer="http://127.0.0.1:9", oidc_client_id="maison")
    nowhere = Provider(settings)
    with pytest.raises(ProviderAway):
        await nowhere.begin("http://127.0.0.1/sign-in/provider/back")
    await nowhere.close()


def test_a_provider_is_asked_by_https_or_on_this_machine() -> None:
    with pytest.raises(ValueError, match="https"):
        Settings(oidc_issuer="http://elsewhere.invalid")


ISSUER, CLIENT, NONCE = "https://idp.invalid", "maison", "n-of-this-sign-in"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    """The key of a provider."""
    return RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


def token(key: RSAKey, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """An ID token that is good but for the changes; None leaves a claim out."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "zoe", "nonce": NONCE, "iat": now, "exp": now + 300, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "k1", **(header or {})}, kept, key)


def believed(text: str, key: RSAKey) -> dict[str, Any]:
    keys = KeySet.import_key_set({"keys": [key.as_dict(private=False)]})
    return claims_of(text, keys, ISSUER, CLIENT, NONCE)


def part(header: dict[str, Any]) -> str:
    """A part of a token, as it is written."""
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


class TestTokens:
    """What a token must be to be believed."""

    def test_a_good_one_is(self, key: RSAKey) -> None:
        assert believed(token(key), key)["sub"] == "zoe"
        assert believed(token(key, aud=[CLIENT, "other"], azp=CLIENT), key)["sub"] == "zoe"

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://elsewhere.invalid"},
            {"iss": None},
            {"aud": "another-client"},
            {"aud": [CLIENT, "other"]},
            {"aud": None},
            {"nonce": "of another sign-in"},
            {"nonce": None},
            {"sub": None},
            {"exp": 1_000_000_000},
            {"exp": None},
            {"iat": None},
            {"nbf": 9_999_999_999},
        ],
        ids=str,
    )
    def test_one_for_somebody_else_or_another_time_is_not(self, key: RSAKey, changes: dict[str, Any]) -> None:
        with pytest.raises(NotBelieved):
            believed(token(key, **changes), key)

    def test_one_that_another_key_signed_is_not(self, key: RSAKey) -> None:
        another = RSAKey.generate_key(2048, {"kid": "k1"})
        with pytest.raises(NotBelieved):
            believed(token(another), key)

    def test_one_that_brings_its_own_key_along_is_not(self, key: RSAKey) -> None:
        another = RSAKey.generate_key(2048, {"kid": "k1"})
        with pytest.raises(NotBelieved):
            believed(token(another, {"jwk": another.as_dict(private=False)}), key)

    def test_one_that_nobody_signed_is_not(self, key: RSAKey) -> None:
        head, body, _ = token(key).split(".")
        unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
        for text in (f"{unsigned}.{body}.", f"{head}.{body}.", f"{unsigned}.{body}.AAAA"):
            with pytest.raises(NotBelieved):
                believed(text, key)

    def test_the_public_key_is_no_shared_secret(self, key: RSAKey) -> None:
        _, body, _ = token(key).split(".")
        signed = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{body}"
        digest = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
        with pytest.raises(NotBelieved):
            believed(f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}", key)

    @pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "é.é.é", "." * 9, "a" * 100_000, "{}", "null"])
    def test_what_is_no_token_is_not(self, key: RSAKey, text: str) -> None:
        with pytest.raises(NotBelieved):
            believed(text, key)

    def test_one_with_something_critical_that_we_do_not_know_is_not(self, key: RSAKey) -> None:
        critical = {"alg": "RS256", "kid": "k1", "crit": ["x"], "x": 1}
        signed = f"{part(critical)}.{token(key).split('.')[1]}"
        signature = key.raw_value.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr]
        with pytest.raises(NotBelieved):
            believed(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}", key)


class TestRoles:
    """What a claim grants."""

    def test_roles_are_read_from_the_setting(self) -> None:
        assert read_roles(ROLES) == {
            "coord": Granted(Role.COORDINATOR, None),
            "accueil": Granted(Role.FRONT_DESK, None),
            "caf": Granted(Role.PARTNER, "p01"),
        }
        assert read_roles("") == {}

    @pytest.mark.parametrize("text", ["coord", "coord=root", "coord=partner", "coord=coordinator:p01", "=coordinator"])
    def test_a_setting_without_sense_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            read_roles(text)

    def test_the_first_of_the_setting_counts(self) -> None:
        assert granted(read_roles(ROLES), ["accueil", "coord"]).role is Role.COORDINATOR
        with pytest.raises(NoRole):
            granted(read_roles(ROLES), ["Coord", "elsewhere"])

    def test_a_claim_is_found_by_name_and_inside_another(self) -> None:
        claims = {"roles": "a", "realm_access": {"roles": ["b", 1, None]}, "https://x.invalid/roles": ["c"]}
        assert claim_at(claims, "roles") == ["a"]
        assert claim_at(claims, "realm_access.roles") == ["b"]
        assert claim_at(claims, "https://x.invalid/roles") == ["c"]
        assert claim_at(claims, "roles.deeper") == claim_at(claims, "nothing") == []

    def test_two_providers_of_one_provider_have_two_people(self) -> None:
        one = {"iss": ISSUER, "idp_id": "a", "sub": "1"}
        assert login_of(one) == login_of({**one, "name": "x"})
        assert len({login_of(one), login_of({**one, "idp_id": "b"}), login_of({**one, "sub": "2"})}) == 3
