// A WebSocket service that authenticates nobody. It says first what it was told of the caller, and then everything back.
//
//   node server.js PORT
"use strict";
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  handleProtocols: (offered) => (offered.has("chat") ? "chat" : false),
});
server.on("connection", (socket, request) => {
  const { headers, url } = request;
  socket.send(JSON.stringify({ url, user: headers["x-user-id"], type: headers["x-user-type"] }));
  socket.on("message", (data, isBinary) => {
    if (!isBinary && data.toString() === "goodbye") return socket.close(4001, "as you wish");
    socket.send(data, { binary: isBinary });
  });
});
