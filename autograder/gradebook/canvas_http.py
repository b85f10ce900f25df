"""How requests to Canvas are carried: bounded in time, repeated only where that can do no harm. Used by `canvas_api`.

Canvas throttles with 403 and the text "Rate Limit Exceeded" (its app/middleware/request_throttle.rb), or with 429 (its
API's page on throttling); either says that nothing was done, so both are repeated for every request. A server's error
or a connection that broke says nothing about what was done, so that repeats only requests that may safely happen twice.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import requests
from canvasapi.requester import Requester
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader, MaxRetryError
from urllib3.util.retry import Retry

from autograder.gradebook.canvas_access import Token

PASSING = (500, 502, 503, 504)
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class ElsewhereError(Exception):
    """Canvas names another address than the one it was asked at; the token stays here."""


@dataclass(frozen=True)
class Pace:
    """How patient we are. All times in seconds."""

    tries: int = 6  # of one request, the first included
    backoff: float = 2.0  # the waits before the tries after the first are 0, 2, 4, 8... times this (urllib3's Retry)
    longest: float = 60.0  # of any single wait, also where Retry-After asks for more
    silence: float = 60.0  # of the server, within a request
    poll: float = 1.0  # between two looks at a job; it doubles
    longest_poll: float = 10.0
    polls: int = 64  # looks at one job: about ten minutes

    def wait_for_job(self, look: int) -> None:
        """Wait before the look of that number, counted from 0."""
        time.sleep(min(self.poll * 2 ** min(look, 20), self.longest_poll))


class BoundedRetry(Retry):
    """urllib3's count of tries and its waits, none longer than `longest`."""

    longest = 60.0

    def new(self, **changes: Any) -> BoundedRetry:
        made = super().new(**changes)
        made.longest = self.longest
        return made

    def get_retry_after(self, response: Any) -> float | None:
        try:
            asked = super().get_retry_after(response)
        except InvalidHeader:
            return None
        return None if asked is None else min(asked, self.longest)


class PatientAdapter(HTTPAdapter):
    """requests' transport. `repeatable` are the methods that may happen twice."""

    def __init__(self, pace: Pace, repeatable: Collection[str]) -> None:
        super().__init__()
        self.pace, self.repeatable = pace, repeatable

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = self.pace.silence
        left = BoundedRetry(total=self.pace.tries - 1, backoff_factor=self.pace.backoff, backoff_max=self.pace.longest)
        left.longest = self.pace.longest
        safe = request.method in self.repeatable
        while True:
            response: requests.Response | None = None
            broke: requests.RequestException | None = None
            try:
                response = super().send(request, *args, **kwargs)
                _ = response.content  # read here, so that an answer that breaks off half-way counts as one that broke
            except BROKEN as error:
                if not safe:
                    raise
                broke = error
            if response is not None and not (throttled(response) or (safe and response.status_code in PASSING)):
                return response
            try:
                left = left.increment(request.method, request.url, None if response is None else response.raw, broke)
            except MaxRetryError:
                if broke is not None:
                    raise broke from None
                assert response is not None
                return response
            left.sleep(None if response is None else response.raw)


def throttled(response: requests.Response) -> bool:
    """Canvas did nothing, because too much was asked of it lately."""
    return response.status_code == 429 or (response.status_code == 403 and "Rate Limit Exceeded" in response.text)


class PatientRequester(Requester):
    """canvasapi's way of asking, with our transport below it."""

    def __init__(self, site: str, token: Token, pace: Pace, repeatable: Collection[str]) -> None:
        super().__init__(site, token.reveal())
        self._session.auth = lambda request: request  # else a line for the host in ~/.netrc replaces the token
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, PatientAdapter(pace, repeatable))
        self._session.max_redirects = 0  # a redirected POST turns into a GET, and looks as if it had worked

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As canvasapi's. Raises ElsewhereError where the next page lies at another address, which canvasapi cannot
        follow."""
        response = super().request(*args, **kwargs)
        following = response.links.get("next", {}).get("url", "")
        if following and not following.startswith(self.base_url):
            raise ElsewhereError(following.split("/api/")[0])
        return response
