// A data-channel peer on Janus: its echo test, by a gateway from the hook's HTTP to Janus's own API. Janus takes no address
// of a loopback interface, so that run.sh puts both ends into a network of their own.
//
//   node janus-peer.mjs PORT [lite]
//
// POST /offer/ID takes an offer (SDP) and answers with SDP; DELETE /offer/ID ends its call. lite: Janus is ICE lite.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [port, how = ""] = process.argv.slice(2);
const ADDRESS = "127.0.0.1";
const API = `http://${ADDRESS}:${Number(port) + 1}/janus`;
const folder = mkdtempSync(join(tmpdir(), "imsproof-janus-"));
const plugins = ["audiobridge", "duktape", "lua", "nosip", "recordplay", "sip", "streaming", "textroom", "videocall", "videoroom", "voicemail"];
const transports = ["mqtt", "nanomsg", "pfunix", "rabbitmq", "websockets"];
const files = (kind, names) => names.map((name) => `libjanus_${name}.so`).join(",");
writeFileSync(
  join(folder, "janus.jcfg"),
  `general: { configs_folder = "${folder}" debug_level = 3 session_timeout = 0 server_name = "peer" }
nat: { ice_lite = ${how === "lite"} }
plugins: { disable = "${files("plugin", plugins)}" }
transports: { disable = "${files("transport", transports)}" }
events: { broadcast = false }
`,
);
writeFileSync(
  join(folder, "janus.transport.http.jcfg"),
  `general: { base_path = "/janus" http = true port = ${Number(port) + 1} ip = "${ADDRESS}" https = false }\nadmin: { admin_http = false }\n`,
);
const janus = spawn(process.env.JANUS ?? "janus", ["-F", folder], { stdio: ["ignore", "inherit", "inherit"] });
janus.on("exit", () => process.exit(4));
process.on("exit", () => { janus.kill("SIGKILL"); rmSync(folder, { recursive: true, force: true }); });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));

let last = 0;
async function ask(path, message) {
  const body = JSON.stringify({ transaction: String(++last), ...message });
  const said = await (await fetch(`${API}${path}`, { method: "POST", body })).json();
  if (said.janus === "error") throw new Error(said.error.reason);
  return said;
}

const calls = new Map();
async function answer(id, sdp) {
  if (!calls.has(id)) {
    const session = (await ask("", { janus: "create" })).data.id;
    const handle = (await ask(`/${session}`, { janus: "attach", plugin: "janus.plugin.echotest" })).data.id;
    calls.set(id, { session, handle });
  } // or else it is a later offer of the same call
  const { session, handle } = calls.get(id);
  await ask(`/${session}/${handle}`, { janus: "message", body: { audio: false, video: false }, jsep: { type: "offer", sdp } });
  for (;;) {
    const event = await (await fetch(`${API}/${session}?maxev=1`)).json();
    if (event.jsep) return event.jsep.sdp;
    if (event.janus === "error" || event.plugindata?.data?.error) throw new Error(event.plugindata?.data?.error ?? event.error.reason);
  }
}
async function close(id) {
  const call = calls.get(id);
  calls.delete(id);
  if (call) await ask(`/${call.session}`, { janus: "destroy" });
}

// Janus wants a name for each media line; IMS gives none.
const named = (sdp) => {
  if (/^a=mid:/m.test(sdp)) return sdp;
  const [session, ...media] = sdp.split(/(?<=\n)(?=m=)/);
  return [session, ...media.map((one, number) => `${one}a=mid:${number}\r\n`)].join("");
};

http
  .createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    try {
      if (request.method === "DELETE") {
        await close(request.url);
        return response.writeHead(204).end();
      }
      const sdp = await answer(request.url, named(body));
      response.writeHead(200, { "content-type": "application/sdp" }).end(sdp);
    } catch (error) {
      console.error(String(error));
      response.writeHead(488).end(String(error));
    }
  })
  .listen(Number(port), ADDRESS, async () => {
    for (;;) {
      try {
        const { version_string: version } = await (await fetch(`${API}/info`)).json();
        return console.log(`ready: Janus ${version}`);
      } catch {
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  });
