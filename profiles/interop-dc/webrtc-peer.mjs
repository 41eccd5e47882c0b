// A data-channel peer that is a whole WebRTC stack, with ICE: one RTCPeerConnection for each offer.
//
//   node webrtc-peer.mjs PORT STACK [WRONG,...]
//
// STACK: chromium, firefox (headless), libwebrtc (@roamhq/wrtc), libdatachannel (node-datachannel), werift. POST /offer/ID takes
// an offer (SDP) and answers with SDP; DELETE /offer/ID ends its connection. WRONG makes it a bad peer on purpose:
// other (the answer announces another certificate than the one that is shown), weak (chromium: its certificate has an
// RSA key of 1024 bits), fingerprint (libdatachannel, werift: any certificate will do).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { answer, close } from "./answer.mjs";
import { chromium } from "./chromium.mjs";
import { firefox } from "./firefox.mjs";

const [port, stack, wrongs = ""] = process.argv.slice(2);
const wrong = wrongs.split(",").filter(Boolean);
const ADDRESS = "127.0.0.1";
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
process.on("uncaughtException", (error) => console.error(String(error)));
process.on("unhandledRejection", (error) => console.error(String(error)));

const installed = (name) => {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
};
const here = (version, RTCPeerConnection) => {
  globalThis.RTCPeerConnection = RTCPeerConnection;
  return { version, run: async (work, ...values) => work(...values) };
};
const stacks = {
  chromium,
  firefox,
  libwebrtc: async () => here(installed("@roamhq/wrtc"), (await import("@roamhq/wrtc")).default.RTCPeerConnection),
  libdatachannel: async () => {
    const version = `libdatachannel ${(await import("node-datachannel")).getLibraryVersion()}`;
    return here(version, (await import("node-datachannel/polyfill")).RTCPeerConnection);
  },
  werift: async () => {
    const { RTCDtlsTransport, RTCPeerConnection } = await import("werift");
    if (wrong.includes("fingerprint")) RTCDtlsTransport.prototype.verifyRemoteCertificateFingerprint = () => {};
    return here(installed("werift"), RTCPeerConnection);
  },
};
const config = {
  chromium: {},
  firefox: {},
  libwebrtc: {},
  libdatachannel: { iceServers: [], bindAddress: ADDRESS, disableFingerprintVerification: wrong.includes("fingerprint") },
  werift: { iceServers: [], iceAdditionalHostAddresses: [ADDRESS], iceUseIpv6: false },
}[stack];
const { version, run } = await stacks[stack]();

// A browser wants a name for each media line, and tells which share a port; IMS gives neither.
const named = (sdp) => {
  if (/^a=mid:/m.test(sdp)) return sdp;
  const [session, ...media] = sdp.split(/(?<=\n)(?=m=)/);
  return [session, "a=group:BUNDLE 0\r\n", ...media.map((one, number) => `${one}a=mid:${number}\r\n`)].join("");
};
const otherwise = (sdp) => {
  const other = createHash("sha256").update("other").digest("hex").toUpperCase().match(/../g).join(":");
  return sdp.replace(/^a=fingerprint:.*$/m, `a=fingerprint:sha-256 ${other}`);
};

http
  .createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    try {
      if (request.method === "DELETE") {
        await run(close, request.url);
        return response.writeHead(204).end();
      }
      const sdp = await run(answer, request.url, named(body), wrong, config);
      response.writeHead(200, { "content-type": "application/sdp" }).end(wrong.includes("other") ? otherwise(sdp) : sdp);
    } catch (error) {
      console.error(String(error));
      response.writeHead(488).end(String(error));
    }
  })
  .listen(Number(port), ADDRESS, () => console.log(`ready: ${version}`));
