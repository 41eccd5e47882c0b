// A data-channel media function for the real lab: DTLS, SCTP and DCEP are werift's, without ICE. It takes an SDP offer
// over HTTP, answers it, and serves the list of applications on stream 0.
//
//     node mf.mjs ADDRESS HTTP_PORT
//
//     POST /calls/ID           the offer                -> the answer; 488 when there is nothing to answer
//     POST /calls/ID/offer     the caller's offer       -> the offer for the called side, with the media function's own end
//     POST /calls/ID/answer    the called side's answer -> the answer for the caller, with the media function's own end
//     POST /calls/ID/release, DELETE /calls/ID

import dgram from "node:dgram";
import http from "node:http";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const {
  Event,
  RTCDataChannel,
  RTCDataChannelParameters,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCSctpTransport,
} = require("werift");

const [address, httpPort] = [process.argv[2], Number(process.argv[3])];
const MAX_OFFER = 64 * 1024;
const MAX_CALLS = 500;
const SCTP_PORT = 5000;
const APPS = [
  { name: "whiteboard", url: "/apps/whiteboard" },
  { name: "translate", url: "/apps/translate" },
];
const calls = new Map();

// What werift wants of ICE: a socket that is bound to one peer.
function plainTransport(socket, peer, role) {
  const connection = {
    onData: new Event(),
    send: async (data) =>
      new Promise((resolve) => socket.send(data, peer.port, peer.address, () => resolve())),
    close: async () => socket.close(),
  };
  socket.on("message", (data, from) => {
    if (from.address === peer.address && from.port === peer.port) connection.onData.execute(data);
  });
  return { connection, role, stop: async () => {} };
}

function attribute(lines, name) {
  const found = lines.find((line) => line.startsWith(`a=${name}:`));
  return found && found.slice(name.length + 3).trim();
}

// The first accepted m=application section, with session-level attributes where it has none of its own.
function readOffer(text) {
  const lines = text.split(/\r?\n/);
  const starts = lines.flatMap((line, at) => (line.startsWith("m=") ? [at] : []));
  const session = lines.slice(0, starts[0] ?? lines.length);
  for (const [index, start] of starts.entries()) {
    const section = lines.slice(start, starts[index + 1] ?? lines.length);
    const [, port, proto] = section[0].split(" ");
    if (!section[0].startsWith("m=application ") || Number(port) === 0) continue;
    const of = (name) => attribute(section, name) ?? attribute(session, name);
    const connection = [...section, ...session].find((line) => line.startsWith("c="));
    const fingerprints = [...section, ...session]
      .filter((line) => line.startsWith("a=fingerprint:"))
      .map((line) => line.slice(14).trim().split(/\s+/))
      .map(([hash, value]) => new RTCDtlsFingerprint(hash, value));
    return {
      index,
      sections: starts.length,
      media: starts.map((at) => lines[at]),
      proto,
      fingerprints,
      peer: { address: connection?.split(" ")[2], port: Number(port) },
      setup: of("setup") ?? "actpass",
      sctpPort: Number(of("sctp-port") ?? SCTP_PORT),
      maxMessageSize: Number(of("max-message-size") ?? 65536),
      dcmaps: section.filter((line) => line.startsWith("a=dcmap:")),
    };
  }
  return undefined;
}

function respond(text) {
  const [head] = text.split("\r\n\r\n");
  const [method, path] = head.split("\r\n")[0].split(" ");
  const app = APPS.find((one) => one.url === path);
  if (method !== "GET") return reply(405, { title: "Method Not Allowed" });
  if (path === "/") return reply(200, { applications: APPS });
  return app ? reply(200, { name: app.name }) : reply(404, { title: "Not Found" });
}

function reply(status, body) {
  const content = Buffer.from(JSON.stringify(body));
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\n`;
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${content.length}\r\n\r\n`), content]);
}

// Makes the media function's end of a call.
async function anchor(id, text) {
  const offer = readOffer(text);
  if (!offer || offer.fingerprints.length === 0 || !offer.peer.address) return undefined;
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve, reject) => socket.once("error", reject).bind(0, address, resolve));
  socket.on("error", () => {});
  const server = offer.setup !== "passive";
  const dtls = new RTCDtlsTransport(
    { debug: {} },
    plainTransport(socket, offer.peer, server ? "controlled" : "controlling"),
    await RTCDtlsTransport.SetupCertificate(),
  );
  dtls.role = server ? "server" : "client";
  dtls.setRemoteParams(new RTCDtlsParameters(offer.fingerprints, "auto"));
  const sctp = new RTCSctpTransport(SCTP_PORT);
  sctp.setDtlsTransport(dtls);
  sctp.setRemotePort(offer.sctpPort);
  sctp.setRemoteMaxMessageSize(offer.maxMessageSize);
  const bootstrap = new RTCDataChannel(
    sctp,
    new RTCDataChannelParameters({ label: "bootstrap", protocol: "http", negotiated: true, id: 0 }),
  );
  bootstrap.onMessage.subscribe((data) => bootstrap.send(respond(data.toString())));
  sctp.onDataChannel.subscribe((channel) => channel.onMessage.subscribe((data) => channel.send(data)));
  const close = () => {
    calls.delete(id);
    sctp.stop().catch(() => {});
    dtls.stop().catch(() => {});
    try {
      socket.close();
    } catch {
      // closed already
    }
  };
  calls.get(id)?.close();
  const port = socket.address().port;
  const call = { close, offer, own: ownEnd(offer, port, dtls, server ? "passive" : "active"), far: ownEnd(offer, port, dtls, "actpass") };
  calls.set(id, call);
  dtls
    .start()
    .then(() => sctp.start(offer.sctpPort))
    .catch((error) => console.error(`${id}: ${error.message}`));
  return call;
}

// The lines of the media function's own end.
function ownEnd(offer, port, dtls, setup) {
  const [fingerprint] = dtls.localParameters.fingerprints;
  return [
    `m=application ${port} ${offer.proto} webrtc-datachannel`,
    `c=IN IP4 ${address}`,
    `a=setup:${setup}`,
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
    `a=tls-id:${randomBytes(16).toString("hex")}`,
    `a=sctp-port:${SCTP_PORT}`,
    "a=max-message-size:65536",
    ...offer.dcmaps,
  ];
}

// A whole answer, which refuses all but the data channel.
function describe(offer, own) {
  const sections = offer.media.flatMap((line, index) => {
    if (index === offer.index) return own;
    const [kind, , proto, ...formats] = line.split(" ");
    return [`${kind} 0 ${proto} ${formats.join(" ")}`];
  });
  const session = ["v=0", `o=- ${Date.now()} 1 IN IP4 ${address}`, "s=-", `c=IN IP4 ${address}`, "t=0 0"];
  return [...session, ...sections, ""].join("\r\n");
}

// The same description with another data-channel section.
function replaced(text, own) {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const start = lines.findIndex((line) => line.startsWith("m=application "));
  if (start < 0) return text;
  const rest = lines.slice(start + 1).findIndex((line) => line.startsWith("m="));
  const after = rest < 0 ? [] : lines.slice(start + 1 + rest);
  return [...lines.slice(0, start), ...own, ...after, ""].join("\r\n");
}

async function body(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_OFFER) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

process.on("uncaughtException", (error) => console.error(`uncaught: ${error.stack}`));
process.on("unhandledRejection", (error) => console.error(`unhandled: ${error?.stack ?? error}`));

// What a request is answered with: SDP, "" when there is none to give, undefined when the request cannot be served.
async function serve(id, what, text) {
  if (what === "release") {
    calls.get(id)?.close();
    return "";
  }
  if (what === "answer") return calls.has(id) ? replaced(text, calls.get(id).own) : undefined;
  const call = calls.size < MAX_CALLS ? await anchor(id, text) : undefined;
  if (!call) return undefined;
  return what === "offer" ? replaced(text, call.far) : describe(call.offer, call.own);
}

http
  .createServer(async (request, response) => {
    const [, id, what] = request.url.match(/^\/calls\/([\w.@%-]{1,200})(?:\/(offer|answer|release))?$/) ?? [];
    if (!id || !["POST", "DELETE"].includes(request.method)) return response.writeHead(404).end();
    const text = await body(request);
    const sdp = text === undefined ? undefined : await serve(id, request.method === "DELETE" ? "release" : what, text);
    if (sdp === undefined) return response.writeHead(488).end();
    if (sdp === "") return response.writeHead(204).end();
    return response.writeHead(200, { "Content-Type": "application/sdp" }).end(sdp);
  })
  .listen(httpPort, address);
