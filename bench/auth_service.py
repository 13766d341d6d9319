#!/usr/bin/python3
"""The Auth Service: on the CPU of the load, asked by those who do not verify tokens themselves. It believes HS256
tokens of the measurement's issuer, and takes its time over each as a service with a database does.

The class is for the comparison; as a command this file is the service."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import http.client
import json
import os
import sys
import time

from processes import Process, free_ports

PATH = "/validate"
_COUNT = "/calls"
_SECRET = "AUTH_SERVICE_SECRET"  # the name of its environment variable


class AuthService:
    """One process. It answers 200 with the claims as JSON, and X-User-Id for those who read no JSON, or 401."""

    SECONDS_PER_ANSWER = 0.02

    def __init__(self, folder, cpu, secret):
        self.port = free_ports(1)[0]
        self._process = Process("auth-service", [sys.executable, __file__, self.port, self.SECONDS_PER_ANSWER], cpu,
                                folder, {_SECRET: secret})

    def wait_until_it_listens(self):
        self._process.wait_until_it_listens(self.port)

    def calls(self):
        """How often it was asked about a token since its start."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", _COUNT)
            return int(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self):
        self._process.stop()


class _Server:
    def __init__(self, secret, seconds_per_answer):
        self._secret = secret
        self._seconds_per_answer = seconds_per_answer
        self._calls = 0

    async def converse(self, reader, writer):
        """One request after the other, until the caller leaves."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                writer.write(await self._answer(head))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head):
        request_line, *lines = head.splitlines()
        if request_line.split()[1] == _COUNT:
            return _response("200 OK", str(self._calls))
        self._calls += 1
        await asyncio.sleep(self._seconds_per_answer)
        claims = self._claims(_bearer_token(lines))
        if claims is None:
            return _response("401 Unauthorized", "{}")
        return _response("200 OK", json.dumps(claims), f"X-User-Id: {claims['user_id']}\r\n")

    def _claims(self, token):
        """Of a good token, otherwise None."""
        signed, _, signature = token.rpartition(".")
        right = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(right, _decode(signature)):
            return None
        claims = json.loads(_decode(signed.partition(".")[2]))
        return claims if claims["exp"] > time.time() else None


def _bearer_token(lines):
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "authorization":
            return value.strip().removeprefix("Bearer ")
    return ""


def _decode(text):
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _response(status, body, fields=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
            f"{body}").encode()


async def _serve(port, seconds_per_answer):
    server = _Server(os.environ[_SECRET].encode(), seconds_per_answer)
    async with await asyncio.start_server(server.converse, "127.0.0.1", port, backlog=1024) as listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
