"""A real provider of OpenID Connect, as a process: who signs in there is chosen by the test."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

_SERVE = """
import json, os, sys
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
from werkzeug.serving import make_server
from oidc_provider_mock import User, app
users = [User(sub=sub, claims=claims) for sub, claims in json.loads(sys.argv[1]).items()]
server = make_server("127.0.0.1", 0, app(require_nonce=True, user_claims=users), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class IdentityProvider:
    """Where it answers, and how somebody signs in there."""

    issuer: str

    def sign_in(self, address: str, sub: str | None) -> str:
        """What the browser is sent back to, once this person has signed in; None = whoever came says no."""
        with httpx.Client(trust_env=False) as browser:
            form = {"sub": sub} if sub else {"action": "deny"}
            answer = browser.post(address, data=form)
            assert answer.status_code == 302, answer.text
            return str(answer.headers["location"])

    def tell(self, sub: str, claims: Mapping[str, Any]) -> None:
        """Say something else of somebody from now on."""
        answer = httpx.put(f"{self.issuer}/users/{sub}", json=dict(claims), trust_env=False)
        assert answer.status_code == 204, answer.text


@contextmanager
def running_provider(people: Mapping[str, Mapping[str, Any]]) -> Iterator[IdentityProvider]:
    """A provider that knows these people, by subject, gone afterwards."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVE, json.dumps(people)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield IdentityProvider(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()
            process.wait(timeout=60)


def path_of(address: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"
