"""A downstream service that authenticates nobody: it believes the identity headers and reports all that it sees.

Any path answers with the report. The paths below `/tts/` behave as their names say; each is also there below `/public/`,
so that a test may reach it without a credential.
"""

import hashlib
import time

from flask import Flask, Response, jsonify, request

app = Flask(__name__, static_folder=None)
# Routing must neither tidy the path nor redirect: the tests look at the path exactly as it came.
app.url_map.merge_slashes = False
app.url_map.strict_slashes = False

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]
SLICE = 64 * 1024
PLAIN = (str, int, bool)


def endpoint(rule, **options):
    """Registers a view below /tts and below /public/tts."""

    def register(view):
        options.setdefault("methods", METHODS)
        options.setdefault("provide_automatic_options", False)
        for prefix in ("/public", ""):
            app.add_url_rule(prefix + rule, prefix + rule, view, **options)
        return view

    return register


def body_digest():
    """Length and digest of the request body, read in slices."""
    digest, length = hashlib.sha256(), 0
    while True:
        piece = request.stream.read(SLICE)
        if not piece:
            return {"length": length, "sha256": digest.hexdigest()}
        digest.update(piece)
        length += len(piece)


def report():
    environ = {key: value for key, value in request.environ.items() if isinstance(value, PLAIN)}
    identity = {"id": environ.get("HTTP_X_USER_ID"), "type": environ.get("HTTP_X_USER_TYPE")}
    return jsonify(identity=identity, environ=environ, body=body_digest())


@app.route("/", methods=METHODS, provide_automatic_options=False)
@app.route("/<path:path>", methods=METHODS, provide_automatic_options=False)
def anything(path=""):
    return report()


@endpoint("/tts/echo")
def echo():
    return jsonify(body_digest())


@endpoint("/tts/bytes/<int:count>")
def many_bytes(count):
    """`count` bytes, with a Content-Length, or chunked when the query says so."""

    def pieces():
        block = bytes(range(256)) * (SLICE // 256)
        for start in range(0, count, SLICE):
            yield block[: min(SLICE, count - start)]

    response = Response(pieces(), mimetype="application/octet-stream")
    if "chunked" not in request.args:
        response.headers["Content-Length"] = str(count)
    return response


@endpoint("/tts/slow/<int:milliseconds>")
def slow(milliseconds):
    time.sleep(milliseconds / 1000)
    return jsonify(slept=milliseconds)


@endpoint("/tts/events/<int:count>/<int:milliseconds>")
def events(count, milliseconds):
    """Server-sent events with a pause after each."""

    def stream():
        for number in range(count):
            yield f"data: {number}\n\n"
            time.sleep(milliseconds / 1000)

    return Response(stream(), mimetype="text/event-stream")


@endpoint("/tts/status/<int:code>")
def status(code):
    return Response("" if code in (204, 304) else f"status {code}\n", status=code, mimetype="text/plain")


@endpoint("/tts/cookies")
def cookies():
    response = jsonify(cookies=3)
    for number in range(3):
        response.set_cookie(f"cookie{number}", f"value{number}", httponly=True, path="/")
    return response
