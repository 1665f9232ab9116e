"""ETag and If-Match: a change says which version it was decided on."""

import re

from shared.web.problems import Problem

ETAG_PATTERN = r'^(?:W/)?(?:"([0-9]{1,9})"|([0-9]{1,9}))$'
_ETAG = re.compile(ETAG_PATTERN)


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version that the client decided on. Raises the 428 problem without one, the 400 problem for nonsense."""
    if if_match is None:
        raise Problem(
            428, "version-required", "If-Match required", "Say which version you decided on: send the ETag you read.",
            [{"field": "If-Match", "detail": "Send the version that you read, as in \"3\"."}],
        )  # fmt: skip
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Problem(
            400, "unusable-version", "Unusable If-Match", "If-Match takes one version, as in \"3\".",
            [{"field": "If-Match", "detail": "Send the version that you read, as in \"3\"."}],
        )  # fmt: skip
    return int(match[1] or match[2])
