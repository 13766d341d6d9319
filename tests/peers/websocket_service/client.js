// A client of a WebSocket service. It sends messages of the given sizes, one after the other, waits for each to come
// back, and prints what happened as one line of JSON.
//
//   node client.js URL '{"headers": {…}, "protocols": […], "sizes": […], "then": "goodbye" | "wait"}'
"use strict";
const { randomBytes } = require("crypto");
const WebSocket = require("ws");

const [url, options] = [process.argv[2], JSON.parse(process.argv[3])];
const seen = { echoed: 0, pongs: 0 };
const socket = new WebSocket(url, options.protocols || [], { headers: options.headers });
const sizes = [...(options.sizes || [])];
let sent = null;

function end(outcome) {
  process.stdout.write(JSON.stringify({ ...seen, ...outcome }) + "\n");
  process.exit(0);
}

function next() {
  if (sizes.length === 0) {
    if (options.then === "goodbye") socket.send("goodbye");
    return;
  }
  sent = randomBytes(sizes.shift());
  socket.ping();
  socket.send(sent, { binary: true });
}

socket.on("pong", () => (seen.pongs += 1));
socket.on("message", (data, isBinary) => {
  if (!isBinary) {
    seen.told = JSON.parse(data.toString());
    seen.protocol = socket.protocol;
    return next();
  }
  if (!data.equals(sent)) return end({ error: "another message came back" });
  seen.echoed += 1;
  return next();
});
socket.on("unexpected-response", (request, response) => end({ status: response.statusCode }));
socket.on("close", (code, reason) => end({ code, reason: reason.toString() }));
socket.on("error", (error) => end({ error: error.message }));
