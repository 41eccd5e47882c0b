// A data-channel media function for the real lab: DTLS, SCTP and DCEP are werift's, without ICE. It takes an SDP offer
// over HTTP, answers it, and serves the list of applications on stream 0. Each call has a process (endpoint.mjs); one
// whose call was an ordinary one serves another later, for most of what a call costs is to start Node with werift.
//
//     node mf.mjs ADDRESS HTTP_PORT
//
//     POST /calls/ID           the offer                -> the answer; 488 when there is nothing to answer
//     POST /calls/ID/offer     the caller's offer       -> the offer for the called side, with the media function's own end
//     POST /calls/ID/answer    the called side's answer -> the answer for the caller, with the media function's own end
//     POST /calls/ID/refused   the called side refused a later offer: all is as before it
//     POST /calls/ID/release, DELETE /calls/ID
//
// A later offer that changes the fingerprint, tls-id, role or transport gets another end (RFC 8842 section 5.5), which
// takes the place of the former when it is answered; any other keeps the end that stands.

import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import http from "node:http";

const [address, httpPort] = [process.argv[2], Number(process.argv[3])];
const MAX_OFFER = 64 * 1024;
const MAX_CALLS = 60;
const LONGEST_CALL_MS = 30_000;
const SILENCE_MS = 6_000;
const SCTP_PORT = 5000;
const MEMORY_MB = 64;
const WARM = 12; // at most
const FEWEST = 4;
const REST_MS = 1_000; // until werift's flights of the last handshake have ended
const APPS = [
  { name: "whiteboard", url: "/apps/whiteboard" },
  { name: "translate", url: "/apps/translate" },
];
const calls = new Map();
const later = new Map(); // ends that take the place of the call's when their offer is answered
const pool = [];

function attribute(lines, name) {
  const found = lines.find((line) => line.startsWith(`a=${name}:`));
  return found && found.slice(name.length + 3).trim();
}

// The first accepted m=application section, with session-level attributes where it has none of its own.
function readOffer(id, text) {
  const lines = text.split(/\r?\n/);
  const starts = lines.flatMap((line, at) => (line.startsWith("m=") ? [at] : []));
  const session = lines.slice(0, starts[0] ?? lines.length);
  for (const [index, start] of starts.entries()) {
    const section = lines.slice(start, starts[index + 1] ?? lines.length);
    const [, port, proto] = section[0].split(" ");
    if (!section[0].startsWith("m=application ") || Number(port) === 0) continue;
    const of = (name) => attribute(section, name) ?? attribute(session, name);
    const connection = [...section, ...session].find((line) => line.startsWith("c="));
    const own = section.filter((line) => line.startsWith("a=fingerprint:"));
    const fingerprints = own.length > 0 ? own : session.filter((line) => line.startsWith("a=fingerprint:"));
    return {
      id,
      index,
      media: starts.map((at) => lines[at]),
      proto,
      fingerprints: fingerprints.map((line) => line.slice(14).trim().split(/\s+/)),
      peer: { address: connection?.split(" ")[2], port: Number(port) },
      setup: of("setup") ?? "actpass",
      tlsId: of("tls-id"),
      sctpPort: Number(of("sctp-port") ?? SCTP_PORT),
      maxMessageSize: Number(of("max-message-size") ?? 65536),
      dcmaps: section.filter((line) => line.startsWith("a=dcmap:")),
    };
  }
  return undefined;
}

const ENDPOINT = new URL("./endpoint.mjs", import.meta.url);

function hire() {
  const told = JSON.stringify({ address, sctpPort: SCTP_PORT, apps: APPS });
  const worker = fork(ENDPOINT, [told], { execArgv: [`--max-old-space-size=${MEMORY_MB}`] });
  worker.on("error", (error) => console.error(`a worker: ${error.message}`));
  return { worker, warm: heard(worker) };
}

// One that is there, or a new one; the pool is filled up when it runs low.
function hired() {
  while (pool.length > 0 && !pool[0].worker.connected) pool.shift();
  const one = pool.shift() ?? hire();
  while (pool.length < FEWEST) pool.push(hire());
  return one;
}

// Ends a call's part in its process; what is fit for another call rests, and goes back to the pool.
function dismiss(worker) {
  const timer = setTimeout(() => worker.kill("SIGKILL"), REST_MS);
  worker.on("message", ({ free }) => {
    if (free === undefined) return; // an answer to {alive} that was on its way
    clearTimeout(timer);
    worker.removeAllListeners("message");
    if (free) setTimeout(() => rested(worker), REST_MS);
    else worker.kill("SIGKILL");
  });
  if (worker.connected) worker.send({ release: true });
}

function rested(worker) {
  if (worker.connected && pool.length < WARM) pool.push({ worker, warm: Promise.resolve() });
  else worker.kill("SIGKILL");
}

function heard(worker) {
  return new Promise((resolve) => {
    worker.once("message", resolve);
    worker.once("exit", () => resolve({ refused: "the worker ended" }));
  });
}

// Whether an offer changes nothing that the association depends on.
function same(before, offer) {
  const of = ({ fingerprints, tlsId, setup, peer }) => JSON.stringify([fingerprints, tlsId, setup, peer]);
  return of(before) === of(offer);
}

// The end that serves an offer: the one that stands, or a new one.
async function anchor(id, text) {
  const offer = readOffer(id, text);
  if (!offer || offer.fingerprints.length === 0 || !offer.peer.address) return undefined;
  const standing = calls.get(id);
  if (standing && same(standing.offer, offer)) return standing.taking(offer);
  if (calls.size + later.size >= MAX_CALLS) return undefined;
  const call = await begin(id, offer);
  if (!call) return undefined;
  const where = standing ? later : calls;
  where.get(id)?.close();
  where.set(id, call);
  return call;
}

async function begin(id, offer) {
  const { worker, warm } = hired();
  await warm;
  worker.send({ offer });
  const made = await heard(worker);
  if (made.refused) {
    console.error(`${id}: refused: ${made.refused}`);
    worker.kill("SIGKILL");
    return undefined;
  }
  const timer = setTimeout(() => close(), LONGEST_CALL_MS);
  let heartbeat = Date.now();
  worker.on("message", () => (heartbeat = Date.now()));
  const watch = setInterval(() => {
    if (Date.now() - heartbeat > SILENCE_MS) {
      console.error(`${id}: its worker is stuck`);
      close();
    }
    if (worker.connected) worker.send({ alive: true });
  }, SILENCE_MS / 4);
  const end = () => {
    clearTimeout(timer);
    clearInterval(watch);
    worker.removeAllListeners();
    worker.on("error", (error) => console.error(`a worker: ${error.message}`));
    for (const ends of [calls, later]) if (ends.get(id)?.worker === worker) ends.delete(id);
  };
  const close = () => {
    end();
    dismiss(worker);
  };
  worker.once("exit", (code) => {
    if (code) console.error(`${id}: its process ended with status ${code}`);
    end();
  });
  const [near, far] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  const taking = (one) =>
    Object.assign(call, {
      offer: one,
      own: ownEnd(one, made, made.setup, near),
      far: ownEnd(one, made, "actpass", far),
    });
  const call = { worker, close, taking };
  return taking(offer);
}

// A later offer was answered: its end is the call's now.
function answered(id) {
  const call = later.get(id);
  if (call) {
    later.delete(id);
    calls.get(id)?.close();
    calls.set(id, call);
  }
  return calls.get(id);
}

// The lines of the media function's own end.
function ownEnd(offer, made, setup, tlsId) {
  return [
    `m=application ${made.port} ${offer.proto} webrtc-datachannel`,
    `c=IN IP4 ${address}`,
    `a=setup:${setup}`,
    `a=fingerprint:${made.fingerprint}`,
    `a=tls-id:${tlsId}`,
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

// What a request is answered with: SDP, "" when there is none to give, undefined when the request cannot be served.
async function serve(id, what, text) {
  if (what === "release" || what === "refused") {
    later.get(id)?.close();
    if (what === "release") calls.get(id)?.close();
    return "";
  }
  if (what === "answer") {
    const call = answered(id);
    return call && replaced(text, call.own);
  }
  const call = await anchor(id, text);
  if (!call || what === "offer") return call && replaced(text, call.far);
  answered(id);
  return describe(call.offer, call.own);
}

pool.push(hire());
await pool[0].warm; // the others get warm while the first is at work
pool.push(...Array.from({ length: FEWEST - 1 }, hire));
http
  .createServer(async (request, response) => {
    const [, id, what] = request.url.match(/^\/calls\/([\w.@%-]{1,200})(?:\/(offer|answer|refused|release))?$/) ?? [];
    if (!id || !["POST", "DELETE"].includes(request.method)) return response.writeHead(404).end();
    const text = await body(request);
    const sdp = text === undefined ? undefined : await serve(id, request.method === "DELETE" ? "release" : what, text);
    if (response.destroyed) return void (await serve(id, later.has(id) ? "refused" : "release")); // who asked has gone
    if (sdp === undefined) return response.writeHead(488).end();
    if (sdp === "") return response.writeHead(204).end();
    return response.writeHead(200, { "Content-Type": "application/sdp" }).end(sdp);
  })
  .listen(httpPort, address);
