// Opens a WebSocket in each of the given ways, in Node and in browsers.

// What came of one way: whether the socket opened, with which subprotocol, and the reply to
// createSession, which shows the role.
function outcomeOf(WebSocket, way) {
  return new Promise((resolve) => {
    const socket = new WebSocket(way.url, way.subprotocols);
    let opened = false;
    let protocol = null;
    const done = (reply) => resolve({ opened, protocol, reply });
    socket.onopen = () => {
      opened = true;
      protocol = socket.protocol;
      socket.send(JSON.stringify({ action: "createSession", sourceLanguage: "en" }));
    };
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      socket.onclose = socket.onerror = null;
      socket.close();
      done(frame.code || frame.type);
    };
    socket.onerror = socket.onclose = () => done(null);
  });
}

async function outcomesOf(WebSocket, ways) {
  const outcomes = [];
  for (const way of ways) {
    outcomes.push(await outcomeOf(WebSocket, way));
  }
  return outcomes;
}

if (typeof require === "function" && require.main === module) {
  const [library, ways] = process.argv.slice(2);
  const client = library === "built in" ? globalThis.WebSocket : require(library);
  outcomesOf(client, JSON.parse(ways)).then((outcomes) => {
    console.log(JSON.stringify(outcomes));
    process.exit(0);
  });
}
