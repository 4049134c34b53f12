"""The one HTTP client that talks to providers."""

import os

import httpx

TIMEOUT = httpx.Timeout(connect=3, read=10, write=5, pool=3)
"""Together shorter than a task may run. Connect and read apart: before the connection stands nothing was sent,
after it nobody knows."""

_clients: dict[int, httpx.Client] = {}


def client() -> httpx.Client:
    """This process's client. It follows no redirect, tries nothing twice and reads no proxy from the environment."""
    # By process: a worker's children must not share their mother's connections.
    mine = _clients.get(os.getpid())
    if mine is None:
        transport = httpx.HTTPTransport(retries=0)
        mine = httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False, trust_env=False)
        _clients[os.getpid()] = mine
    return mine


NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors after which the provider has surely not seen the request."""
