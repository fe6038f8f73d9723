// The support desk of examples/: sign-in, the list, tickets with comments and presence, the webhook
// and the dashboard, for two agents, at 0 and 300 ms, with lost connections and a restart.

import { AxeBuilder } from "@axe-core/playwright";
import type { APIRequestContext, Browser, BrowserContext, Page } from "@playwright/test";
import { Network } from "./network.ts";
import { Server } from "./server.ts";
import { expect, live, test as base } from "./test.ts";

/** Signs in, which ends at the page that the visitor asked for. */
async function signIn(page: Page, url: string, name: string, path = "/"): Promise<void> {
  await page.goto(url + path);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill("desk");
  await page.getByRole("button", { name: "Sign in" }).click();
  await live(page);
}

type Mail = { ticket?: number; from: string; subject: string; body: string };

/** Posts a mail as the program of the mail server does. Returns its ticket. */
async function mail(request: APIRequestContext, url: string, data: Mail): Promise<number> {
  const response = await request.post(`${url}/hooks/mail`, { data, headers: { authorization: "Bearer desk" } });
  expect(response.status()).toBe(201);
  return Number((await response.text()).replace("/tickets/", ""));
}

/** A subject that no other test uses. */
const unique = (text: string) => `${text} ${Math.random().toString(36).slice(2)}`;
const rows = (page: Page) => page.locator("tbody tr");
const comments = (page: Page) => page.locator(".comments li");
const viewers = (page: Page) => page.locator(".viewers li");
const count = async (page: Page, state: string) => Number(await page.locator(".tile", { hasText: state }).locator("b").textContent());
/** Marks the document, so that a test sees whether it was loaded again. */
const mark = (page: Page) => page.evaluate(() => void ((window as any).marked = true));
const isMarked = (page: Page) => page.evaluate(() => !!(window as any).marked);

type Fixtures = {
  network: Network;
  /** Another agent, in a browser of its own. */
  colleague: (name: string, path: string) => Promise<Page>;
};
const test = base.extend<Fixtures>({
  network: async ({ desk, page }, use) => {
    const network = await Network.before(desk.url);
    await use(network);
    await page.close();
    await network.remove();
  },
  colleague: async ({ browser, desk, problems }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (name, path) => {
      const context = await browser.newContext();
      contexts.push(context);
      const page = await context.newPage();
      problems.watch(page);
      await signIn(page, desk.url, name, path);
      return page;
    });
    for (const context of contexts) await context.close();
  },
});

test("a visitor signs in, and signing out ends the pages of that login alone", async ({ page, desk, colleague, context, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  await page.goto(`${desk.url}/tickets?status=open`);
  await expect(page).toHaveURL(/sign-in\?next=/);
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("The name or the password is wrong.");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Password").fill("desk");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${desk.url}/tickets?status=open`);
  await live(page);
  const other = await context.newPage();
  await other.goto(desk.url);
  await live(other);
  const elsewhere = await colleague("Ada", "/");
  await mark(elsewhere);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(other.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(elsewhere.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  expect(await isMarked(elsewhere)).toBe(true);
  // The cookie of an ended login is of no use, and no address leads to another site.
  for (const next of ["//example.org", "https://example.org", "/\\example.org"]) {
    await page.goto(`${desk.url}/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("Password").fill("desk");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(`${desk.url}/`);
    await live(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  }
});

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(({ network }) => {
      network.latency = latency / 2;
    });

    test("the list is searched, sorted and paged in the URL", async ({ page, network }) => {
      await signIn(page, network.url, "Ada", "/tickets");
      await expect(rows(page)).toHaveCount(25);
      await page.getByLabel("State").selectOption("pending");
      await expect(page).toHaveURL(/\?status=pending$/);
      await page.getByLabel("Order").selectOption("customer");
      await expect(page).toHaveURL(/\?status=pending&sort=customer$/);
      await page.getByRole("link", { name: "Next" }).click();
      await expect(page).toHaveURL(/&page=2$/);
      await expect(page.getByText(/page 2 of/)).toBeVisible();
      const second = await rows(page).allTextContents();
      await page.getByLabel("Search").fill("#4990");
      await expect(rows(page)).toHaveCount(0);
      await page.getByLabel("State").selectOption("");
      await expect(rows(page)).toHaveCount(1);
      // A new search starts at the first page, and a step back is a page of its own.
      expect(new URL(page.url()).searchParams.get("page")).toBeNull();
      await page.goBack();
      await expect(rows(page)).toHaveCount(0);
      // A link to a page of the list shows it, and a step back keeps its number.
      await page.goto(`${network.url}/tickets?status=pending&sort=customer&page=2`);
      await live(page);
      expect(await rows(page).allTextContents()).toEqual(second);
      await page.getByLabel("Order").selectOption("changed");
      await expect(page).toHaveURL(/\?status=pending$/);
      await page.goBack();
      await expect(page).toHaveURL(/&page=2$/);
      await expect.poll(() => rows(page).allTextContents()).toEqual(second);
    });

    test("a row leads to its ticket and back without a load", async ({ page, network }) => {
      await signIn(page, network.url, "Ada", "/tickets?status=open&page=2");
      await mark(page);
      const link = rows(page).first().getByRole("link");
      const href = (await link.getAttribute("href"))!;
      expect(href).toMatch(/^\/tickets\/\d+$/);
      await page.getByRole("link", { name: "Next" }).click();
      await expect(page).toHaveURL(/page=3$/);
      await expect(link).not.toHaveAttribute("href", href);
      const next = (await link.getAttribute("href"))!;
      await link.click();
      await expect(page).toHaveURL(network.url + next);
      await expect(page.getByRole("heading", { level: 1 })).not.toHaveText("Tickets");
      await expect(page).toHaveTitle(`Ticket #${next.split("/").pop()} · Desk`);
      await expect(page.getByRole("link", { name: "Tickets" })).toHaveAttribute("aria-current", "true");
      await page.goBack();
      await expect(rows(page)).toHaveCount(25);
      await expect(page).toHaveURL(/page=3$/);
      expect(await isMarked(page)).toBe(true);
    });

    test("two agents answer one ticket and see each other", async ({ page, network, colleague }) => {
      const id = await mail(page.request, network.url, { from: "Mira", subject: unique("Lost"), body: "Where is it?" });
      const ben = await colleague("Ben", `/tickets/${id}`);
      await signIn(page, network.url, "Ada", `/tickets/${id}`);
      await expect(viewers(ben)).toHaveText(["Ben (you)", "Ada"]);
      // Several tabs of one person are one.
      const tab = await page.context().newPage();
      await tab.goto(page.url());
      await live(tab);
      await expect(viewers(tab)).toHaveText(["Ben", "Ada (you)"]);
      await tab.close();
      await page.getByLabel("Answer").fill("On its way.");
      await page.getByRole("button", { name: "Send answer" }).click();
      // It is shown before the server has it.
      await expect(comments(page)).toHaveCount(2);
      await expect(page.getByLabel("Answer")).toHaveValue("");
      await expect(comments(ben).last()).toContainText("On its way.");
      await expect(ben.locator("header").getByLabel("State")).toHaveValue("pending");
      await ben.locator("header").getByLabel("State").selectOption("open");
      await expect(page.locator("header").getByLabel("State")).toHaveValue("open");
      await ben.getByRole("link", { name: "Dashboard" }).click();
      await expect(viewers(page)).toHaveText(["Ada (you)"]);
    });

    test("a mail is shown in the list, on the ticket and on the dashboard at once", async ({ page, network, colleague, request }) => {
      const subject = unique("Broken");
      await signIn(page, network.url, "Ada", `/tickets?q=${encodeURIComponent(subject)}`);
      await expect(page.getByText("0 tickets, page 1 of 1")).toBeVisible();
      const ben = await colleague("Ben", "/");
      const open = await count(ben, "open");
      const id = await mail(request, network.url, { from: "Noah", subject, body: "It fell down." });
      await expect(rows(page)).toHaveCount(1);
      await expect(rows(page).first()).toContainText("Noah");
      await expect.poll(() => count(ben, "open")).toBeGreaterThan(open);
      await rows(page).getByRole("link").click();
      await expect(comments(page)).toHaveText([/It fell down\./]);
      await mail(request, network.url, { ticket: id, from: "Noah", subject: "", body: "Hello?" });
      await expect(comments(page)).toHaveCount(2);
    });

    test("a solved ticket is announced once", async ({ page, network }) => {
      const id = await mail(page.request, network.url, { from: "Ines", subject: unique("Question"), body: "How?" });
      await signIn(page, network.url, "Ada", `/tickets/${id}`);
      await mark(page);
      const asked: string[] = [];
      page.on("dialog", (dialog) => {
        asked.push(dialog.message());
        return asked.length == 1 ? dialog.dismiss() : dialog.accept();
      });
      await page.getByRole("button", { name: "Solve" }).click();
      await expect.poll(() => asked).toEqual(["Solve it without an answer?"]);
      await page.getByRole("button", { name: "Solve" }).click();
      await expect(page.getByRole("status").filter({ hasText: "is solved" })).toHaveText(`Ticket #${id} is solved.`);
      await expect(page).toHaveURL(/\/tickets\?status=open$/);
      expect(await isMarked(page)).toBe(true);
      await page.getByRole("link", { name: "Dashboard" }).click();
      await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
      await expect(page.locator(".flash")).toHaveCount(0);
    });

    test("an answer that is written while the socket is cut is stored once", async ({ page, network, colleague, problems }) => {
      problems.expect(/WebSocket connection to .* failed/, /ERR_/);
      const id = await mail(page.request, network.url, { from: "Omar", subject: unique("Slow"), body: "Still slow." });
      await signIn(page, network.url, "Ada", `/tickets/${id}`);
      const ben = await colleague("Ben", `/tickets/${id}`);
      network.down();
      await page.getByLabel("Answer").fill("I am looking into it.");
      await page.getByRole("button", { name: "Send answer" }).click();
      await expect(comments(page)).toHaveCount(2);
      await expect(page.getByText("Offline")).toBeVisible();
      network.up();
      await expect(comments(ben)).toHaveCount(2);
      // The reply to the next one is lost.
      network.hold();
      await page.getByLabel("Answer").fill("It is fixed.");
      await page.getByRole("button", { name: "Send answer" }).click();
      await expect(comments(ben)).toHaveCount(3);
      network.cut();
      await expect(page.getByText("sending")).toHaveCount(0);
      await expect(comments(page)).toHaveCount(3);
      await page.reload();
      await live(page);
      await expect(comments(page)).toHaveCount(3);
    });
  });
}

test("the webhook answers with the reason of a refusal", async ({ desk, request }) => {
  const data = { from: "Mira", subject: "A", body: "B" };
  const post = (token: string, mail: object) => request.post(`${desk.url}/hooks/mail`, { data: mail, headers: { authorization: token } });
  for (const token of ["", "desk", "Bearer ", "Bearer wrong"]) expect((await post(token, data)).status(), token).toBe(401);
  expect((await post("Bearer desk", { ...data, ticket: 999_999 })).status()).toBe(404);
  expect((await post("Bearer desk", { from: "Mira" })).status()).toBe(422);
  expect((await post("Bearer desk", { ...data, body: "x".repeat(100_000) })).status()).toBe(413);
});

test("what is no ticket is not found", async ({ desk, page, request }) => {
  await signIn(page, desk.url, "Ada");
  // A page of the list that does not exist is the last one, and a long subject is cut.
  await mail(request, desk.url, { from: "Mira", subject: "long ".repeat(2_000), body: "B" });
  await page.goto(`${desk.url}/tickets?page=999999`);
  await live(page);
  await expect(page.getByText(/(?:[Pp]age )?(\d+) of \1/)).toBeVisible();
  await page.goto(`${desk.url}/tickets?q=long`);
  await live(page);
  expect((await rows(page).first().textContent())!.length).toBeLessThan(400);
  expect((await page.request.get(`${desk.url}/tickets/999999`)).status()).toBe(404);
  expect((await page.request.get(`${desk.url}/tickets/abc`)).status()).toBe(400);
});

test("answers and logins survive a restart, and open pages go on", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const server = await Server.start("desk");
  await signIn(page, server.url, "Ada", "/tickets/7");
  await mark(page);
  await page.getByLabel("Answer").fill("Before the restart.");
  await page.getByRole("button", { name: "Send answer" }).click();
  await expect(comments(page)).toHaveCount(2);
  await server.replace("desk");
  await live(page);
  await expect(viewers(page)).toHaveText(["Ada (you)"]);
  await page.getByLabel("Answer").fill("After it.");
  await page.getByRole("button", { name: "Send answer" }).click();
  await expect(comments(page)).toHaveText([/Could you please/, /Before the restart/, /After it/]);
  expect(await isMarked(page)).toBe(true);
  // A killed process has not saved what it had in memory, but everything that was answered.
  await server.replace("desk", "SIGKILL");
  await live(page);
  await expect(comments(page)).toHaveCount(3);
  await server.remove();
});

test("the desk works without JavaScript", async ({ browser, desk }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${desk.url}/tickets`);
  await page.getByLabel("Your name").fill("Cleo");
  await page.getByLabel("Password").fill("desk");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("State").selectOption("pending");
  await page.getByLabel("Search").fill("is");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/q=is&status=pending/);
  await expect(rows(page)).toHaveCount(25);
  await page.getByRole("link", { name: "Next" }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect(page.getByText(/page 2 of/)).toBeVisible();
  await rows(page).first().getByRole("link").click();
  await expect(comments(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await context.close();
});

const PAGES = [["sign-in", "/sign-in"], ["dashboard", "/"], ["tickets", "/tickets"], ["ticket", "/tickets/4999"]] as const;
for (const width of [390, 1280]) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`all pages are accessible and fit at ${width} px, ${colorScheme}`, async ({ desk, browser, problems }) => {
      const page = await styled(browser, width, colorScheme);
      problems.watch(page);
      for (const [name, path] of PAGES) {
        if (name == "dashboard") await signIn(page, desk.url, "Ada", path);
        else await page.goto(desk.url + path);
        if (name != "sign-in") await live(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations, name).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width);
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: name != "tickets" });
      }
      await page.context().close();
    });
  }
}

async function styled(browser: Browser, width: number, colorScheme: "light" | "dark"): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  return context.newPage();
}
