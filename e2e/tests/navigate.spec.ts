// `live:navigate`: another page without a load.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, live, test } from "./networked.ts";

/** Opens a page, and marks its document: the mark is gone after a load. */
async function start(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await live(page);
  await page.evaluate(() => {
    (window as any).mark = true;
    (window as any).reports = [];
    document.addEventListener("live:navigated", (event) => (window as any).reports.push((event as CustomEvent).detail));
  });
}

const isSame = (page: Page) => page.evaluate(() => (window as any).mark === true);
const follow = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const add = (page: Page) => page.getByRole("button", { name: "Add" }).click();
const go = (page: Page, steps: number) => page.evaluate((steps) => history.go(steps), steps);

for (const latency of [0, 300]) {
  test.describe(`with ${latency} ms of latency`, () => {
    test.beforeEach(({ network }) => {
      network.latency = latency;
    });

    test("a link shows the next page over the same socket", async ({ page, network }) => {
      let sockets = 0;
      page.on("websocket", () => sockets++);
      await start(page, `${network.url}/tour/one`);
      await page.getByRole("button", { name: "Play" }).click();
      await expect(page.locator("#played")).toHaveText("1");
      await follow(page, "Two");
      await expect(heading(page)).toHaveText("two");
      await expect(page).toHaveURL(`${network.url}/tour/two`);
      await expect(page).toHaveTitle("Stop two");
      await expect(page.locator("html")).toHaveAttribute("lang", "de");
      await expect(page.locator("body")).toHaveClass("two");
      await expect(page.getByRole("link", { name: "Two", exact: true })).toHaveAttribute("aria-current", "page");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      // The component of the layout has stayed.
      await expect(page.locator("#played")).toHaveText("1");
      await page.getByRole("button", { name: "Play" }).click();
      await expect(page.locator("#played")).toHaveText("2");
      expect(await isSame(page)).toBe(true);
      expect(sockets).toBe(1);
    });

    test("back and forward show the pages that were left, with their positions and typed text", async ({ page, network }) => {
      await start(page, `${network.url}/tour/long`);
      await page.getByLabel("Draft").fill("half a line");
      await page.getByLabel("Note").fill("a note");
      await page.getByLabel("Search").fill("words");
      await page.evaluate(() => scrollTo(0, 1234));
      // Not by a click, which would scroll.
      await page.evaluate(() => document.querySelector<HTMLElement>("a[href='/tour/two']")!.click());
      await expect(heading(page)).toHaveText("two");
      expect(await page.evaluate(() => scrollY)).toBe(0);
      await expect(page.getByLabel("Note")).toHaveValue("");
      await expect(page.getByLabel("Search")).toHaveValue("");
      await go(page, -1);
      await expect(heading(page)).toHaveText("long");
      await expect.poll(() => page.evaluate(() => scrollY)).toBe(1234);
      await expect(page.getByLabel("Draft")).toHaveValue("half a line");
      await expect(page.getByLabel("Note")).toHaveValue("a note");
      await expect(page.getByLabel("Search")).toHaveValue("words");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      await go(page, 1);
      await expect(heading(page)).toHaveText("two");
      expect(await isSame(page)).toBe(true);
    });

    test("the server shows another page, with a message that only it has", async ({ page, network }) => {
      await start(page, `${network.url}/tour/one`);
      await page.getByRole("button", { name: "Save it" }).click();
      await expect(heading(page)).toHaveText("two");
      await expect(page.locator("p.info")).toHaveText("Saved one.");
      expect(await isSame(page)).toBe(true);
      await follow(page, "One");
      await expect(heading(page)).toHaveText("one");
      await expect(page.locator("p.info")).toHaveCount(0);
      await go(page, -1);
      await expect(heading(page)).toHaveText("two");
      await expect(page.locator("p.info")).toHaveCount(0);
    });

    test("a message waits for the next page", async ({ page, network }) => {
      await start(page, `${network.url}/tour/one`);
      const used = page.waitForResponse(/tickets/);
      await page.getByRole("button", { name: "Note it" }).click();
      await used;
      await expect(page.locator("p.info")).toHaveCount(0);
      await follow(page, "Long");
      await expect(heading(page)).toHaveText("long");
      await expect(page.locator("p.info")).toHaveText("Noted.");
      await follow(page, "Two");
      await expect(heading(page)).toHaveText("two");
      await expect(page.locator("p.info")).toHaveCount(0);
    });

    test("an action sets a cookie and the title", async ({ page, network }) => {
      await start(page, `${network.url}/tour/one`);
      await page.getByRole("button", { name: "Dress" }).click();
      await expect(page).toHaveTitle("Dressed");
      const cookie = (await page.context().cookies()).find(({ name }) => name == "theme");
      expect(cookie).toMatchObject({ value: "dark", httpOnly: true, sameSite: "Lax", path: "/" });
      await follow(page, "Two");
      await expect(page.locator("#theme")).toHaveText("dark");
    });

    test("the server's navigation survives a cut of the socket", async ({ page, network, problems }) => {
      problems.expect(/WebSocket connection to .* failed/, /ERR_/);
      await start(page, `${network.url}/tour/one`);
      // The action runs, and its reply is lost.
      network.hold();
      const before = network.sent;
      await page.getByRole("button", { name: "Save it" }).click();
      await expect.poll(() => network.sent).toBeGreaterThan(before + 50);
      await page.waitForTimeout(latency + 200);
      network.cut();
      await expect(heading(page)).toHaveText("two");
      await expect(page.locator("p.info")).toHaveText("Saved one.");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      expect((await page.evaluate(() => (window as any).reports)).length).toBe(1);
    });

    test("late messages of the page that was left do not reach the next one", async ({ page, network }) => {
      await start(page, `${network.url}/tour/one`);
      const errors = page.evaluate(() => {
        (window as any).errors = [];
        document.addEventListener("live:error", (event) => (window as any).errors.push((event as CustomEvent).detail));
      });
      await errors;
      await page.getByRole("button", { name: "Slowly" }).click();
      await follow(page, "Two");
      await expect(heading(page)).toHaveText("two");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      await page.waitForTimeout(900 + 2 * latency);
      await expect(page.locator("#count")).toHaveText("1");
      expect(await page.evaluate(() => (window as any).errors)).toEqual([]);
      // The id of the component that was unmounted is free again, and the page after it works.
      await follow(page, "One");
      await expect(heading(page)).toHaveText("one");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
    });

    test("a navigation that begins without a connection of the socket works", async ({ page, network, problems }) => {
      problems.expect(/WebSocket connection to .* failed/, /ERR_/);
      await start(page, `${network.url}/tour/one`);
      network.cut();
      await follow(page, "Two");
      await expect(heading(page)).toHaveText("two");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      expect(await isSame(page)).toBe(true);
    });

    test("a guard stops links and back, and not the server", async ({ page, network }) => {
      await start(page, `${network.url}/tour/one`);
      await follow(page, "Long");
      await expect(heading(page)).toHaveText("long");
      await page.evaluate(() => {
        (window as any).asked = [];
        document.addEventListener("live:navigate", (event) => {
          (window as any).asked.push((event as CustomEvent).detail.cause);
          event.preventDefault();
        });
      });
      await follow(page, "Two");
      await go(page, -1);
      await expect.poll(() => page.evaluate(() => (window as any).asked)).toEqual(["link", "history"]);
      await expect(page).toHaveURL(`${network.url}/tour/long`);
      await expect(heading(page)).toHaveText("long");
      await live(page);
      await page.getByRole("button", { name: "Save it" }).click();
      await expect(heading(page)).toHaveText("two");
      // The entry that the tab went back to is still before the page.
      await page.evaluate(() => {
        document.addEventListener("live:navigate", (event) => event.stopImmediatePropagation(), true);
      });
    });
  });
}

test("the module `warn-unsent` asks before a link is followed", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await page.evaluate(async () => (await import("/live/client.js" as string)).configure({ warnUnsent: true }));
  await page.waitForLoadState("networkidle");
  network.hold();
  await page.getByLabel("Draft").fill("not sent");
  const answers = [false, true];
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked++;
    return answers.shift() ? dialog.accept() : dialog.dismiss();
  });
  await follow(page, "Two");
  expect(asked).toBe(1);
  await expect(heading(page)).toHaveText("one");
  await follow(page, "Two");
  expect(asked).toBe(2);
  network.release();
  await expect(heading(page)).toHaveText("two");
});

test("the browser follows other links itself", async ({ page, network, context }) => {
  await start(page, `${network.url}/tour/one`);
  for (const modifier of ["Control", "Shift"] as const) {
    const [opened] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Two", exact: true }).click({ modifiers: [modifier] })]);
    await opened.close();
  }
  const [middle] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Two", exact: true }).click({ button: "middle" })]);
  await middle.close();
  const [window] = await Promise.all([context.waitForEvent("page"), follow(page, "Window")]);
  await window.close();
  const [saved] = await Promise.all([page.waitForEvent("download"), follow(page, "Save")]);
  await saved.cancel();
  await expect(heading(page)).toHaveText("one");
  const [file] = await Promise.all([page.waitForEvent("download"), follow(page, "File")]);
  expect(file.suggestedFilename()).toBe("a.html");
  await expect(heading(page)).toHaveText("one");
  expect(await isSame(page)).toBe(true);
  // Another origin.
  await page.evaluate((url) => {
    const link = document.querySelector<HTMLAnchorElement>("a[href='/tour/two']")!;
    link.href = url.replace("127.0.0.1", "localhost") + "/tour/two";
    link.textContent = "Elsewhere";
  }, network.url);
  await follow(page, "Elsewhere");
  await expect(page).toHaveURL(/localhost/);
  expect(await isSame(page)).toBe(false);
});

test("a page without the client, and a response that is no page, are loaded", async ({ page, network }) => {
  for (const [name, text] of [["Static", "static"], ["Text", "plain text"]] as const) {
    await start(page, `${network.url}/tour/one`);
    await follow(page, name);
    await expect(page.locator("body")).toHaveText(text);
    expect(await isSame(page)).toBe(false);
    await page.goBack();
    await expect(heading(page)).toHaveText("one");
    await live(page);
  }
  await page.getByRole("button", { name: "Leave" }).click();
  await expect(page.locator("body")).toHaveText("static");
});

test("redirects are followed, and pages with an error are shown", async ({ page, network, problems }) => {
  problems.expect(/status of (404|500)/);
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Redirect");
  await expect(heading(page)).toHaveText("two");
  await expect(page).toHaveURL(`${network.url}/tour/two`);
  await follow(page, "Missing");
  await expect(heading(page)).toHaveText("missing");
  await expect(page).toHaveURL(`${network.url}/tour/missing`);
  await follow(page, "Failed");
  await expect(heading(page)).toHaveText("failed");
  await live(page);
  await add(page);
  await expect(page.locator("#count")).toHaveText("1");
  await go(page, -3);
  await expect(heading(page)).toHaveText("one");
  expect(await isSame(page)).toBe(true);
});

test("a redirect to another origin is followed by the browser", async ({ page, network, problems }) => {
  problems.expect(/CORS|ERR_FAILED|Content Security Policy|violates|Failed to fetch|Unsafe attempt/);
  await start(page, `${network.url}/tour/one`);
  const elsewhere = network.url.replace("127.0.0.1", "localhost") + "/tour/two";
  await page.evaluate((to) => {
    document.querySelector<HTMLAnchorElement>("a[href='/tour/two']")!.href = `/tour/redirect?to=${encodeURIComponent(to)}`;
  }, elsewhere);
  await page.getByRole("link", { name: "Two", exact: true }).click();
  await expect(page).toHaveURL(elsewhere);
});

test("a page of another origin that permits requests is not shown within this one", async ({ page, network, problems }) => {
  problems.expect(/CORS|Content Security Policy|violates|Failed to|Unsafe attempt|ERR_/);
  await start(page, `${network.url}/tour/one`);
  const client = await page.evaluate(() => document.querySelector("script[live-build]")!.outerHTML);
  const referers: string[] = [];
  const other = createServer((request, response) => {
    if (request.url == "/style") referers.push(request.headers.referer ?? "");
    const body = `<!DOCTYPE html><html lang="en"><title>Other</title><link rel="stylesheet" href="${url}/style">${client}<h1>other</h1></html>`;
    response.writeHead(200, { "access-control-allow-origin": "*", "content-type": "text/html" }).end(body);
  });
  await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await page.evaluate((url) => {
    document.querySelector<HTMLAnchorElement>("a[href='/tour/two']")!.href = `/tour/redirect?to=${url}/page`;
  }, url);
  await page.getByRole("link", { name: "Two", exact: true }).click();
  await expect(page).toHaveURL(`${url}/page`);
  await expect(heading(page)).toHaveText("other");
  expect(referers.filter((referer) => referer.startsWith(network.url))).toEqual([]);
  await page.close();
  other.close();
});

test("scripts run once, styles are there before the page, and the head is the next page's", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  const ran = () => page.evaluate(() => (window as any).ran);
  expect(await ran()).toEqual(["body"]);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await heading(page).evaluate((node) => getComputedStyle(node).color)).toBe("rgb(1, 2, 3)");
  await expect.poll(ran).toEqual(["body", "two"]);
  await expect(page.locator("head meta[name=description]")).toHaveCount(1);
  await follow(page, "One");
  await expect(heading(page)).toHaveText("one");
  expect(await heading(page).evaluate((node) => getComputedStyle(node).color)).toBe("rgb(0, 0, 0)");
  await expect(page.locator("head meta[name=description]")).toHaveCount(0);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await ran()).toEqual(["body", "two"]);
  await expect(page.locator("title")).toHaveCount(1);
});

test("the address names a place in the page", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await page.evaluate(() => document.querySelector<HTMLElement>("a[href='/tour/long#far']")!.click());
  await expect(heading(page)).toHaveText("long");
  await expect(page.locator("#far")).toBeInViewport();
  const far = await page.evaluate(() => scrollY);
  let requests = 0;
  page.on("request", (request) => { if (request.url().includes("/tour/")) requests++; });
  await page.evaluate(() => document.querySelector<HTMLElement>("a[href='#near']")!.click());
  await expect(page.locator("#near")).toBeInViewport();
  await expect(page).toHaveURL(/#near$/);
  await go(page, -1);
  await expect(page).toHaveURL(/#far$/);
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(far);
  await go(page, 1);
  await expect(page.locator("#near")).toBeInViewport();
  // Within one page, nothing is requested.
  expect(requests).toBe(0);
  await go(page, -2);
  await expect(heading(page)).toHaveText("one");
  expect(await isSame(page)).toBe(true);
});

test("`replace` keeps the length of the history", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Long");
  await expect(heading(page)).toHaveText("long");
  const length = await page.evaluate(() => history.length);
  await follow(page, "Replace");
  await expect(heading(page)).toHaveText("two");
  expect(await page.evaluate(() => history.length)).toBe(length);
  await go(page, -1);
  await expect(heading(page)).toHaveText("one");
});

test("a bar shows that a page takes long, and the focus and the title follow", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Slow");
  await expect(page.locator(".live-progress")).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("live-navigating", "");
  await expect(heading(page)).toHaveText("slow");
  await expect(page.locator(".live-progress")).toHaveCount(0);
  await expect(page.locator("html")).not.toHaveAttribute("live-navigating");
  await expect(page.locator(".live-announcement")).toHaveText("Stop slow");
  expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
  // The next Tab goes to the beginning of the page.
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "One", exact: true })).toBeFocused();
});

test("a link that is followed while another page is requested wins", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Slow");
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  await page.waitForTimeout(1200);
  await expect(heading(page)).toHaveText("two");
  await expect(page).toHaveURL(`${network.url}/tour/two`);
  expect((await page.evaluate(() => (window as any).reports)).length).toBe(1);
});

test("a page that cannot be requested leaves this one, and says so", async ({ page, network, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_/);
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  network.down();
  await follow(page, "Long");
  await expect(page.getByRole("alert")).toContainText("could not be loaded");
  await expect(page).toHaveURL(`${network.url}/tour/two`);
  await go(page, -1);
  await expect.poll(() => page.evaluate(() => location.pathname)).toBe("/tour/two");
  await expect(heading(page)).toHaveText("two");
  network.up();
  await live(page);
  await follow(page, "One");
  await expect(heading(page)).toHaveText("one");
  expect(await isSame(page)).toBe(true);
});

test("a page is requested when the pointer rests on its link, once", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  const requests: string[] = [];
  page.on("request", (request) => { if (request.url().endsWith("/tour/two")) requests.push(request.headers()["live-prefetch"] ?? "none"); });
  await page.getByRole("link", { name: "Two", exact: true }).hover();
  await expect.poll(() => requests).toEqual(["1"]);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(requests).toEqual(["1"]);
});

test("links of components are followed too, and without scripts", async ({ page, network, browser }) => {
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Inside");
  await expect(heading(page)).toHaveText("two");
  expect(await isSame(page)).toBe(true);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(`${network.url}/tour/one`);
  await follow(plain, "Inside");
  await expect(heading(plain)).toHaveText("two");
  await context.close();
});

test("an address of another host is refused", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  const failed = page.evaluate(() => new Promise((resolve) => {
    document.addEventListener("live:error", (event) => resolve((event as CustomEvent).detail.message));
  }));
  await page.getByRole("button", { name: "Follow" }).click();
  expect(await failed).toContain("two slashes");
  await expect(heading(page)).toHaveText("one");
});

test("components of pages that were left are freed", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  // A session has at most 100 components: each page mounts two.
  for (let round = 0; round < 60; round++) {
    const name = round % 2 ? "One" : "Two";
    await follow(page, name);
    await expect(heading(page)).toHaveText(name.toLowerCase());
  }
  await live(page);
  await add(page);
  await expect(page.locator("#count")).toHaveText("1");
  expect(await isSame(page)).toBe(true);
});

test("a view transition is used where the page asks for it, and not with reduced motion", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await page.evaluate(() => {
    (window as any).transitions = 0;
    const start = document.startViewTransition;
    document.startViewTransition = function (...given: any) {
      (window as any).transitions++;
      return start.apply(document, given);
    } as any;
    const wish = () => {
      const meta = document.head.appendChild(document.createElement("meta"));
      meta.name = "view-transition";
      meta.content = "same-origin";
    };
    wish();
  });
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await page.evaluate(() => (window as any).transitions)).toBe(1);
  await live(page);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await follow(page, "One");
  await expect(heading(page)).toHaveText("one");
  expect(await page.evaluate(() => (window as any).transitions)).toBe(1);
});

test("a page that was shown by a navigation has no serious accessibility problem", async ({ page, network }) => {
  await start(page, `${network.url}/tour/one`);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  await live(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
});

test("another user is shown by a load", async ({ page, network, problems }) => {
  problems.expect(/bad_seal/);
  await start(page, `${network.url}/tour/one`);
  await page.getByRole("button", { name: "Play" }).click();
  await expect(page.locator("#played")).toHaveText("1");
  // Without its cookie the browser is another one, whose seals this session cannot open.
  await page.context().clearCookies();
  await Promise.all([page.waitForEvent("load"), follow(page, "Two")]);
  await expect(heading(page)).toHaveText("two");
  expect(await isSame(page)).toBe(false);
  await live(page);
  await add(page);
  await expect(page.locator("#count")).toHaveText("1");
  await expect(page.locator("#played")).toHaveText("0");
});
