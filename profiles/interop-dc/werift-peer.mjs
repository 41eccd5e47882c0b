// A data-channel peer on werift (DTLS and SCTP of its own, in TypeScript), without ICE: one UDP port for each offer.
//
//   node werift-peer.mjs PORT [WRONG,...]
//
// POST /offer takes an offer (SDP) and answers with SDP; DELETE /offer ends every association. WRONG makes it a bad
// peer on purpose: fingerprint (any certificate will do), source (datagrams from anywhere are taken, and answered
// there), other (the answer announces another certificate than the one that is shown).
import dgram from "node:dgram";
import http from "node:http";
import { createHash } from "node:crypto";
import * as werift from "werift";

const [port, wrongs = ""] = process.argv.slice(2);
const wrong = new Set(wrongs.split(","));
const ADDRESS = "127.0.0.1";
const open = new Set();
const PAGE = '{"applications": []}\n';

process.on("uncaughtException", (error) => console.error(String(error)));
process.on("unhandledRejection", (error) => console.error(String(error)));

class Association {
  constructor(offer) {
    this.offer = offer;
    this.role = offer.setup === "active" ? "server" : offer.setup === "passive" ? "client" : "server";
    this.target = offer.where;
    this.socket = dgram.createSocket("udp4");
    this.onData = new werift.Event();
    this.socket.on("message", (data, from) => {
      if (wrong.has("source")) this.target = { address: from.address, port: from.port };
      else if (from.address !== this.target.address || from.port !== this.target.port) return;
      this.onData.execute(data);
    });
  }

  async start() {
    await new Promise((done) => this.socket.bind(0, ADDRESS, done));
    const connection = {
      onData: this.onData,
      send: async (data) => this.closed || this.socket.send(data, this.target.port, this.target.address),
      close: async () => this.shut(), // werift ends a refused association by closing what ICE gave it
    };
    const certificate = await werift.RTCDtlsTransport.SetupCertificate();
    const ice = { connection, role: this.role === "server" ? "controlling" : "controlled", stop: async () => {} };
    this.dtls = new werift.RTCDtlsTransport({}, ice, certificate);
    this.dtls.role = this.role;
    if (wrong.has("fingerprint")) this.dtls.verifyRemoteCertificateFingerprint = () => {};
    const remote = this.offer.fingerprints.map(([name, value]) => new werift.RTCDtlsFingerprint(name, value));
    this.dtls.setRemoteParams(new werift.RTCDtlsParameters(remote, "auto"));
    this.sctp = new werift.RTCSctpTransport(5000);
    this.sctp.setDtlsTransport(this.dtls);
    this.sctp.setRemotePort(this.offer.sctpPort);
    this.dtls
      .start()
      .then(() => this.sctp.start(this.offer.sctpPort))
      .catch((error) => console.error(String(error)));
    this.channel = new werift.RTCDataChannel(
      this.sctp,
      new werift.RTCDataChannelParameters({ label: "bootstrap", protocol: "http", negotiated: true, id: 0, ordered: true }),
      false,
    );
    this.channel.onMessage.subscribe((data) => this.serve(String(data)));
  }

  serve(request) {
    const path = request.split(" ")[1] ?? "";
    const [status, body] = request.startsWith("GET ") ? (path === "/" ? ["200 OK", PAGE] : ["404 Not Found", ""]) : ["405 Method Not Allowed", ""];
    this.channel.send(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  answer() {
    let fingerprint = this.dtls.localParameters.fingerprints[0].value.toUpperCase();
    if (wrong.has("other")) fingerprint = createHash("sha256").update("other").digest("hex").toUpperCase().match(/../g).join(":");
    return [
      "v=0", `o=- 1 1 IN IP4 ${ADDRESS}`, "s=-", `c=IN IP4 ${ADDRESS}`, "t=0 0",
      `m=application ${this.socket.address().port} UDP/DTLS/SCTP webrtc-datachannel`,
      "a=max-message-size:65536", "a=sctp-port:5000", `a=setup:${this.role === "server" ? "passive" : "active"}`,
      `a=fingerprint:sha-256 ${fingerprint}`, 'a=dcmap:0 subprotocol="http"', "",
    ].join("\r\n");
  }

  shut() {
    if (this.closed) return;
    this.closed = true;
    this.socket.close();
  }

  close() {
    this.sctp?.stop().catch(() => {});
    this.dtls?.stop().catch(() => {});
    setTimeout(() => this.shut(), 50);
  }
}

function read(sdp) {
  const [session, ...media] = sdp.split(/\r?\n(?=m=)/);
  const section = media.find((one) => one.startsWith("m=application")) ?? "";
  const one = (pattern) => section.match(pattern)?.[1] ?? session.match(pattern)?.[1];
  const all = (text) => [...text.matchAll(/^a=fingerprint:(\S+) (\S+)/gm)].map((found) => [found[1], found[2]]);
  const own = all(section);
  return {
    where: { address: one(/^c=IN IP4 (\S+)/m), port: Number(one(/^m=application (\d+)/m)) },
    setup: one(/^a=setup:(\S+)/m) ?? "actpass",
    sctpPort: Number(one(/^a=sctp-port:(\d+)/m) ?? 5000),
    fingerprints: own.length ? own : all(session),
  };
}

http
  .createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    if (request.method === "DELETE") {
      for (const one of open) one.close();
      open.clear();
      return response.writeHead(204).end();
    }
    const association = new Association(read(body));
    if (!association.offer.fingerprints.length) return response.writeHead(488).end();
    open.add(association);
    await association.start();
    response.writeHead(200, { "content-type": "application/sdp" }).end(association.answer());
  })
  .listen(Number(port), ADDRESS, () => console.log("ready: werift, without ICE"));
