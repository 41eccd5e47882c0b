// One call's end of a data channel, in a process of its own: what it does to werift stays with that call.
//
// It is told {offer} and answers {port, fingerprint, setup} or {refused}; {alive} comes back as it is. Told {release}, it
// answers {free}: true when the handshake was done and nothing but data came after it; then it may serve another call.

import dgram from "node:dgram";
import http from "node:http";
import {
  Event,
  RTCDataChannel,
  RTCDataChannelParameters,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCSctpTransport,
} from "werift";

const { address, sctpPort, apps } = JSON.parse(process.argv[2]);
const certificate = RTCDtlsTransport.SetupCertificate();

// What werift wants of ICE: a socket that is bound to one peer.
function plainTransport(socket, peer, role) {
  let open = true;
  const send = (data, told) => (open ? socket.send(data, peer.port, peer.address, told) : told());
  const connection = {
    onData: new Event(),
    send: async (data) => new Promise((resolve) => send(data, () => resolve())),
    close: async () => {
      if (open) socket.close();
      open = false;
    },
  };
  socket.on("message", (data, from) => {
    if (from.address === peer.address && from.port === peer.port) connection.onData.execute(data);
  });
  return { connection, role, stop: async () => {} };
}

function respond(text) {
  const [method, path] = text.split("\r\n")[0].split(" ");
  const app = apps.find((one) => one.url === path);
  if (method !== "GET") return reply(405, { title: "Method Not Allowed" });
  if (path === "/") return reply(200, { applications: apps });
  return app ? reply(200, { name: app.name }) : reply(404, { title: "Not Found" });
}

function reply(status, body) {
  const content = Buffer.from(JSON.stringify(body));
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\n`;
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${content.length}\r\n\r\n`), content]);
}

const APPLICATION_DATA = 23;
const ALERT = 21;
let release = async () => false;

async function begin(offer) {
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve, reject) => socket.once("error", reject).bind(0, address, resolve));
  socket.on("error", () => {});
  const server = offer.setup !== "passive";
  const transport = plainTransport(socket, offer.peer, server ? "controlled" : "controlling");
  const dtls = new RTCDtlsTransport({ debug: {} }, transport, await certificate);
  dtls.role = server ? "server" : "client";
  const remote = offer.fingerprints.map(([hash, value]) => new RTCDtlsFingerprint(hash, value));
  dtls.setRemoteParams(new RTCDtlsParameters(remote, "auto"));
  const sctp = new RTCSctpTransport(sctpPort);
  sctp.setDtlsTransport(dtls);
  sctp.setRemotePort(offer.sctpPort);
  sctp.setRemoteMaxMessageSize(offer.maxMessageSize);
  const bootstrap = new RTCDataChannel(
    sctp,
    new RTCDataChannelParameters({ label: "bootstrap", protocol: "http", negotiated: true, id: 0 }),
  );
  bootstrap.onMessage.subscribe((data) => bootstrap.send(respond(data.toString())));
  sctp.onDataChannel.subscribe((channel) => channel.onMessage.subscribe((data) => channel.send(data)));
  dtls
    .start()
    .then(() => sctp.start(offer.sctpPort))
    .catch((error) => console.error(`${offer.id}: ${error?.message ?? "the handshake failed"}`));
  let ordinary = true;
  transport.connection.onData.subscribe((data) => {
    ordinary &&= dtls.state !== "connected" || data[0] === APPLICATION_DATA || data[0] === ALERT;
  });
  release = async () => {
    ordinary &&= ["connected", "closed"].includes(dtls.state);
    await sctp.stop();
    await dtls.stop();
    await transport.connection.close();
    return ordinary;
  };
  const [fingerprint] = dtls.localParameters.fingerprints;
  return {
    port: socket.address().port,
    fingerprint: `${fingerprint.algorithm} ${fingerprint.value}`,
    setup: server ? "passive" : "active",
  };
}

process.on("message", (told) => {
  if (told.alive) {
    process.send({ alive: true });
    return;
  }
  if (told.release) {
    release().then(
      (free) => process.send({ free }),
      () => process.exit(0),
    );
    return;
  }
  begin(told.offer).then(
    (made) => process.send(made),
    (error) => process.send({ refused: error.message }),
  );
});
await certificate;
process.send({ warm: true });
process.on("disconnect", () => process.exit(0));
