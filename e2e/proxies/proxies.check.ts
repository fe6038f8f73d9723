// Runs the configurations of docs/deployment.md in front of real servers: page, socket, deploy, and
// a streamed page. Skips proxies that are not installed. Run it with: npm run proxies

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Server } from "../tests/server.ts";
import { expect, live, open, test as base } from "../tests/test.ts";

const guide = await readFile(resolve(import.meta.dirname, "../../docs/deployment.md"), "utf8");

/** Returns the code block of the guide that contains a text. */
function block(text: string): string {
  const found = guide.split("```").find((part) => part.startsWith("text\n") && part.includes(text));
  if (!found) throw new Error(`the guide has no block with ${text}`);
  return found.slice("text\n".length);
}

/** `ready` is the path that answers while the server is there. */
type Place = { folder: string; port: number; upstream: string; ready: string };

/**
 * How each proxy is run: the lines of the guide with the addresses of the test, and the
 * configuration around them.
 */
const proxies: Record<string, (place: Place) => { file: string; config: string; args: string[] }> = {
  nginx: ({ folder, port, upstream }) => ({
    file: "nginx.conf",
    config: `daemon off; pid ${folder}/pid; error_log stderr; events {}
      http {
        access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
        fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
        ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
        ${block("proxy_pass").replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`).replace("127.0.0.1:3000", upstream)}
      }`,
    args: ["-p", folder, "-c", join(folder, "nginx.conf")],
  }),
  haproxy: ({ folder, port, upstream, ready }) => ({
    file: "haproxy.cfg",
    config: block("default_backend")
      .replace("bind :443 ssl crt /etc/haproxy/app.pem", `bind 127.0.0.1:${port} ssl crt ${folder}/both.pem`)
      .replace("GET /ready", `GET ${ready}`)
      .replace("127.0.0.1:3000", upstream),
    args: ["-f", join(folder, "haproxy.cfg")],
  }),
  caddy: ({ folder, port, upstream }) => ({
    file: "Caddyfile",
    config: `{
        admin off
        auto_https disable_redirects
        skip_install_trust
        storage file_system ${folder}
      }
      ${block("reverse_proxy").replace("app.example", `https://127.0.0.1:${port}`).replace("{", "{\n tls internal\n").replace("127.0.0.1:3000", upstream)}`,
    args: ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"],
  }),
};

const installed = (program: string) => {
  try {
    execFileSync("which", [program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
  const { port } = listener.address() as AddressInfo;
  await new Promise((closed) => listener.close(closed));
  return port;
}

const listening = (port: number) =>
  new Promise<boolean>((tell) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      tell(true);
    });
    socket.on("error", () => tell(false));
  });

/** Runs a proxy in front of a server until the test ends, and returns its address. */
async function runProxy(name: string, server: Server, ready: string, ends: (() => Promise<void>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vivaz-proxy-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const subject = ["-subj", "/CN=127.0.0.1", "-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject], { stdio: "ignore" });
  await writeFile(`${folder}/both.pem`, (await readFile(`${folder}/cert.pem`, "utf8")) + (await readFile(`${folder}/key.pem`, "utf8")));
  const { file, config, args } = proxies[name]!({ folder, port, upstream: new URL(server.url).host, ready });
  await writeFile(join(folder, file), config);
  const log: string[] = [];
  const proxy: ChildProcess = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HOME: folder } });
  ends.push(async () => void proxy.kill("SIGTERM"));
  for (const stream of [proxy.stdout, proxy.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => log.push(text));
  await expect.poll(() => listening(port), { message: log.join("") }).toBe(true);
  return `127.0.0.1:${port}`;
}

const test = base.extend<{ ends: (() => Promise<void>)[] }>({
  ends: async ({}, use) => {
    const ends: (() => Promise<void>)[] = [];
    await use(ends);
    for (const end of ends.reverse()) await end();
  },
});

test.use({ ignoreHTTPSErrors: true });

for (const name of Object.keys(proxies)) {
  test(`${name}: page, socket and deploy`, async ({ page, browser, problems, ends }) => {
    test.skip(!installed(name), `${name} is not installed`);
    problems.expect(/WebSocket connection to .* failed/, /ERR_/, /50[234]/);
    const server = await Server.start("demo");
    ends.push(() => server.remove());
    const host = await runProxy(name, server, "/ready", ends);
    const sockets: string[] = [];
    const resumed: boolean[] = [];
    page.on("websocket", (socket) => {
      sockets.push(socket.url());
      socket.on("framereceived", ({ payload }) => {
        const message = JSON.parse(payload.toString());
        if (message.type === "WELCOME") resumed.push(message.payload.resumed);
      });
    });
    await open(page, `https://${host}/counter`);
    expect(sockets).toEqual([`wss://${host}/live`]);
    await page.getByRole("button", { name: "Increment" }).click();
    await expect(page.locator(".count")).toHaveText("1");

    // A second visitor has another cookie, and both are in one room.
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const other = await context.newPage();
    await open(other, `https://${host}/chat`);
    const chat = await page.context().newPage();
    await open(chat, `https://${host}/chat`);
    await expect(other.locator(".people li")).toHaveCount(2);
    await context.close();
    await chat.close();

    // The server drains and exits; later clicks reach the next one.
    expect(await server.stop()).toBe(0);
    await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
    for (let n = 0; n < 2; n++) await page.getByRole("button", { name: "Increment" }).click();
    await server.run();
    await live(page);
    await expect(page.locator(".count")).toHaveText("3");
    expect(resumed).toEqual([false, true]);
  });

  test(`${name}: a streamed page is passed on as it arrives`, async ({ ends }) => {
    test.skip(!installed(name), `${name} is not installed`);
    const server = await Server.start("e2e-app");
    ends.push(() => server.remove());
    const host = await runProxy(name, server, "/slow", ends);
    // The part takes longer than the test: what arrives was not held back for it.
    const first = await read(`https://${host}/slow?ms=600000&deadline=600000`, (html) => html.includes("<hr>"));
    expect(first).toContain("live-part=");
    const whole = await read(`https://${host}/slow?ms=500&deadline=600000`, () => false);
    expect(whole.slice(whole.indexOf("<hr>"))).toContain("live-part=");
  });
}

/** Requests a page and returns its text: all of it, or what has arrived when it is enough. */
function read(url: string, isEnough: (html: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { rejectUnauthorized: false }, (response) => {
      let html = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        html += text;
        if (isEnough(html)) {
          resolve(html);
          asked.destroy();
        }
      });
      response.on("end", () => resolve(html));
    });
    asked.on("error", reject);
  });
}
