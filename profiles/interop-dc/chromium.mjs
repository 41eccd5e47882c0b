// Headless Chromium, driven through --remote-debugging-pipe: functions run in its page.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Starts the browser (CHROMIUM names the program); returns its version and what runs a function in its page.
export async function chromium() {
  const folder = mkdtempSync(join(tmpdir(), "imsproof-chromium-"));
  const flags = [
    "--headless=new", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", `--user-data-dir=${folder}`,
    "--remote-debugging-pipe",
    "--allow-loopback-in-peer-connection", // else only addresses of the network are candidates
    "--disable-features=WebRtcHideLocalIpsWithMdns", // else candidates are names
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    "about:blank",
  ];
  const browser = spawn(process.env.CHROMIUM ?? "chromium", flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [, , , toBrowser, fromBrowser] = browser.stdio;
  const waiting = new Map();
  let last = 0;
  let rest = "";

  browser.on("error", (error) => { console.error(`chromium does not start: ${error.message}`); process.exit(4); });
  browser.on("exit", () => process.exit(4));
  process.on("exit", () => {
    browser.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  fromBrowser.on("data", (piece) => {
    const parts = (rest + piece).split("\0");
    rest = parts.pop();
    for (const message of parts.map((one) => JSON.parse(one))) {
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

  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
  return {
    version: (await ask("Browser.getVersion")).product,
    async run(work, ...values) {
      const expression = `(${work})(${values.map((one) => JSON.stringify(one)).join(",")})`;
      const wanted = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await ask("Runtime.evaluate", wanted, sessionId);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
  };
}
