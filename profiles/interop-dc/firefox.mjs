// Headless Firefox, driven through Marionette (its own protocol on a port of loopback): functions run in its page. It
// takes no address of 127.0.0.0/8 for a candidate, so that run.sh puts both ends into a network of their own.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFERENCES = {
  "marionette.port": 0, // any free one; it stands in a file of the profile then
  "media.peerconnection.ice.obfuscate_host_addresses": false, // else candidates are names
  "media.peerconnection.ice.proxy_only_if_behind_proxy": false,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.enabled": false,
};
const START_MS = 60_000;

// Starts the browser (FIREFOX names the program); returns its version and what runs a function in its page.
export async function firefox() {
  const folder = mkdtempSync(join(tmpdir(), "imsproof-firefox-"));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  writeFileSync(join(folder, "user.js"), lines.join(""));
  const flags = ["--headless", "--no-remote", "--marionette", "--profile", folder, "about:blank"];
  const browser = spawn(process.env.FIREFOX ?? "firefox-esr", flags, { stdio: "ignore", env: { ...process.env, HOME: folder } });
  browser.on("error", (error) => { console.error(`firefox does not start: ${error.message}`); process.exit(4); });
  browser.on("exit", () => process.exit(4));
  process.on("exit", () => {
    browser.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  const told = join(folder, "MarionetteActivePort");
  for (const end = Date.now() + START_MS; !existsSync(told) || !readFileSync(told, "utf8"); ) {
    if (Date.now() > end) throw new Error("firefox opens no Marionette port");
    await new Promise((done) => setTimeout(done, 100));
  }
  const socket = net.connect(Number(readFileSync(told, "utf8")), "127.0.0.1");
  const waiting = new Map();
  let last = 0;
  let rest = Buffer.alloc(0);

  // Each message is its length in decimal, a colon, and JSON: [0, id, command, parameters] or [1, id, error, result].
  socket.on("data", (piece) => {
    rest = Buffer.concat([rest, piece]);
    for (let colon = rest.indexOf(":"); colon > 0; colon = rest.indexOf(":")) {
      const end = colon + 1 + Number(rest.subarray(0, colon));
      if (rest.length < end) return;
      const message = JSON.parse(rest.subarray(colon + 1, end).toString());
      rest = rest.subarray(end);
      if (!Array.isArray(message)) continue; // its greeting
      const [, id, error, result] = message;
      const { done, failed } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error) failed?.(new Error(error.message));
      else done?.(result);
    }
  });
  function ask(command, parameters = {}) {
    const id = ++last;
    const message = JSON.stringify([0, id, command, parameters]);
    socket.write(`${Buffer.byteLength(message)}:${message}`);
    return new Promise((done, failed) => waiting.set(id, { done, failed }));
  }

  const { capabilities } = await ask("WebDriver:NewSession");
  await ask("WebDriver:SetTimeouts", { script: START_MS });
  return {
    version: `Firefox ${capabilities.browserVersion}`,
    async run(work, ...values) {
      const script = `return (${work})(${values.map((one) => JSON.stringify(one)).join(",")})`;
      return (await ask("WebDriver:ExecuteScript", { script, args: [], sandbox: "imsproof", newSandbox: false })).value;
    },
  };
}
