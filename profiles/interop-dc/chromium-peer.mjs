// A data-channel peer that is headless Chromium: one RTCPeerConnection for each offer, with ICE, driven through
// --remote-debugging-pipe.
//
//   node chromium-peer.mjs PORT [WRONG,...]
//
// POST /offer/ID takes an offer (SDP) and answers with SDP; DELETE /offer/ID ends its connection. WRONG makes it a bad peer
// on purpose: other (the answer announces another certificate than the one that is shown), weak (its certificate has an
// RSA key of 1024 bits), silent (nobody answers on the bootstrap channel). dtls13 asks Chromium for DTLS 1.3 only.
// CHROMIUM names the program, chromium by default.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [port, wrongs = ""] = process.argv.slice(2);
const wrong = new Set(wrongs.split(",").filter(Boolean));
const ADDRESS = "127.0.0.1";
const profile = mkdtempSync(join(tmpdir(), "imsproof-chromium-"));
const flags = [
  "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--no-default-browser-check", `--user-data-dir=${profile}`, "--remote-debugging-pipe",
  "--allow-loopback-in-peer-connection", // else only addresses of the network are candidates
  "--disable-features=WebRtcHideLocalIpsWithMdns", // else candidates are names
  ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
  ...(wrong.has("dtls13") ? ["--force-fieldtrials=WebRTC-ForceDtls13/Enabled/"] : []),
  "about:blank",
];
const browser = spawn(process.env.CHROMIUM ?? "chromium", flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const [, , , toBrowser, fromBrowser] = browser.stdio;
const waiting = new Map();
let last = 0;
let rest = "";

browser.on("error", (error) => { console.error(String(error)); process.exit(4); });
browser.on("exit", (code) => { rmSync(profile, { recursive: true, force: true }); process.exit(code ? 4 : 0); });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => browser.kill("SIGTERM"));
fromBrowser.on("data", (piece) => {
  const parts = (rest + piece).split("\0");
  rest = parts.pop();
  for (const part of parts) {
    const message = JSON.parse(part);
    const { done, failed } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.error) failed?.(new Error(message.error.message));
    else done?.(message.result);
  }
});

function ask(method, params = {}, sessionId = undefined) {
  const id = ++last;
  toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((done, failed) => waiting.set(id, { done, failed }));
}

// What runs in the page.
async function answer(id, sdp, wrong) {
  const certificates = wrong.includes("weak")
    ? [await RTCPeerConnection.generateCertificate({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) })]
    : undefined;
  const connection = new RTCPeerConnection({ certificates });
  (globalThis.peers ??= new Map()).set(id, connection);
  const channel = connection.createDataChannel("bootstrap", { protocol: "http", negotiated: true, id: 0 });
  channel.onmessage = async ({ data }) => {
    if (wrong.includes("silent")) return;
    const request = typeof data === "string" ? data : data instanceof Blob ? await data.text() : new TextDecoder().decode(data);
    const body = '{"applications": []}\n';
    const found = request.startsWith("GET / ");
    const status = found ? "200 OK" : request.startsWith("GET ") ? "404 Not Found" : "405 Method Not Allowed";
    channel.send(`HTTP/1.1 ${status}\r\nContent-Length: ${found ? body.length : 0}\r\n\r\n${found ? body : ""}`);
  };
  await connection.setRemoteDescription({ type: "offer", sdp });
  await connection.setLocalDescription(await connection.createAnswer());
  if (connection.iceGatheringState !== "complete")
    await new Promise((done) => connection.addEventListener("icegatheringstatechange", () => connection.iceGatheringState === "complete" && done()));
  return connection.localDescription.sdp;
}

function close(id) {
  globalThis.peers?.get(id)?.close();
  globalThis.peers?.delete(id);
}

const { targetInfos } = await ask("Target.getTargets");
const page = targetInfos.find((one) => one.type === "page") ?? (await ask("Target.createTarget", { url: "about:blank" }));
const { sessionId } = await ask("Target.attachToTarget", { targetId: page.targetId, flatten: true });

async function inPage(run, ...values) {
  const expression = `(${run})(${values.map((one) => JSON.stringify(one)).join(",")})`;
  const { result, exceptionDetails } = await ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, sessionId);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

// A browser wants a name for each media line; IMS gives none.
const named = (sdp) => (/^a=mid:/m.test(sdp) ? sdp : `${sdp.replace(/^m=/m, "a=group:BUNDLE 0\r\nm=")}a=mid:0\r\n`);

http
  .createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const id = request.url;
    try {
      if (request.method === "DELETE") {
        await inPage(close, id);
        return response.writeHead(204).end();
      }
      let sdp = await inPage(answer, id, named(body), [...wrong]);
      if (wrong.has("other")) {
        const other = createHash("sha256").update("other").digest("hex").toUpperCase().match(/../g).join(":");
        sdp = sdp.replace(/^a=fingerprint:.*$/m, `a=fingerprint:sha-256 ${other}`);
      }
      response.writeHead(200, { "content-type": "application/sdp" }).end(sdp);
    } catch (error) {
      console.error(String(error));
      response.writeHead(488).end(String(error));
    }
  })
  .listen(Number(port), ADDRESS, async () => console.log(`ready: ${(await ask("Browser.getVersion")).product}`));
