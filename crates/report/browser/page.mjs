// The page in a real browser: opened from file://, pointed at, switched, zoomed, saved, printed.
//
//     node page.mjs FOLDER      a folder of reports, as `cargo test -p bakeoff-report --test reports` leaves in target/tmp/reports
//
// CHROMIUM names the browser (default /usr/bin/chromium). Screenshots are left in FOLDER/screenshots to be looked at.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const folder = resolve(process.argv[2] ?? "../../../target/tmp/reports");
const shots = join(folder, "screenshots");
mkdirSync(shots, { recursive: true });
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

// A page of its own context, and everything it did wrong.
async function open(name, options = {}) {
  const path = resolve(folder, name, "report.html");
  assert.ok(existsSync(path), `${path} is missing: run cargo test -p bakeoff-report --test reports first`);
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const url = request.url();
    if (url !== pathToFileURL(path).href && !/^(data|blob):/.test(url)) wrong.push(`request: ${url}`);
  });
  await page.goto(pathToFileURL(path).href);
  return { page, wrong, close: () => context.close() };
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.evaluate((b) => b.click())]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

const english = '.language[lang="en"]';
const chart = (name) => `${english} .chart.wide[data-name="${name}"]`;

// Reports whose layout is looked at; DEMO: the run folder of a demo, one more of them.
const laidOut = ["finished", "long-names", "hostile", "photographs", "half-done", "elsewhere", "maps-drawn"]
  .concat(process.env.DEMO ? [resolve(process.env.DEMO)] : []);

// In the page: what is wider than the page and cannot be scrolled to, and what is cut without a title that tells all of it.
function wrongPlaces() {
  const wrong = [], room = window.innerWidth;
  const described = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""} "${e.textContent.trim().slice(0, 60)}"`;
  const titled = (e) => e.closest("[title]") || e.closest("g,text")?.querySelector(":scope > title");
  if (document.documentElement.scrollWidth > room) wrong.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || e.closest("defs, .tip, .skip, .save, title, datalist, option")) continue;
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (!(e instanceof SVGElement)) {
      const style = getComputedStyle(e);
      if ((box.right > room + 1 || box.left < -1) && !e.closest(".scroll, pre")) wrong.push(`beyond the page: ${described(e)}`);
      const hides = style.overflowX === "hidden" || style.overflowX === "clip";
      if (hides && e.scrollWidth > e.clientWidth + 1 && !titled(e)) wrong.push(`cut: ${described(e)}`);
    } else if (e.tagName === "text") {
      const frame = e.ownerSVGElement.getBoundingClientRect();
      if (box.right > frame.right + 2 || box.left < frame.left - 2) wrong.push(`beyond its picture: ${described(e)}`);
      if (e.textContent.includes("…") && !titled(e)) wrong.push(`cut: ${described(e)}`);
    }
  }
  return [...new Set(wrong)].slice(0, 8);
}

// In the page: text whose colour is too near what it stands on, by the contrast of WCAG 2.1.
function faint() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = "#000";
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((k) => top[k] * top[3] + below[k] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const before = at.matches(".bar") ? getComputedStyle(at, "::before") : null;
      if (before) { const c = rgba(before.backgroundColor); layers.push([c[0], c[1], c[2], c[3] * +before.opacity]); }
      layers.push(rgba(getComputedStyle(at).backgroundColor));
    }
    return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const wrong = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("script, style, title, option, defs, .tip, .skip, .save") || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), svg = e instanceof SVGElement;
    const below = ground(svg ? e.ownerSVGElement.parentElement : e);
    const ink = rgba(svg ? style.fill : style.color);
    if (svg) ink[3] *= +style.fillOpacity;
    const [a, b] = [luminance(over(ink, below)), luminance(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) wrong.push(`${contrast.toFixed(2)}: ${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""} "${node.data.trim().slice(0, 40)}"`);
  }
  return [...new Set(wrong)].slice(0, 8);
}

const tests = {
  async "opens from a file without errors and asks no one for anything"() {
    const { page, wrong, close } = await open("finished");
    await page.evaluate(() => document.fonts.ready);
    assert.equal(await page.title(), "Breeds of dogs, small – Bakeoff");
    assert.ok(await page.evaluate(() => document.fonts.check("16px Inter")));
    const empty = await page.$$eval(`${english} svg.fig`, (all) => all.filter((svg) => {
      const box = svg.getBoundingClientRect();
      return box.width > 0 && (box.height < 10 || svg.querySelectorAll("path,circle,image,rect").length === 0);
    }).length);
    assert.equal(empty, 0, "every chart that is shown is drawn");
    await page.screenshot({ path: join(shots, "finished.png"), fullPage: true });
    assert.deepEqual(wrong, []);
    await close();
  },

  async "shows values under the pointer and by arrow keys"() {
    const { page, wrong, close } = await open("finished");
    const plot = page.locator(`${chart("validation-accuracy")} svg.fig`);
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.5);
    const tip = page.locator(`${chart("validation-accuracy")} .tip`);
    assert.match(await tip.innerText(), /^Epoch \d+[\s\S]*cutmix[\s\S]*\d\.\d\s%/);
    await page.mouse.move(0, 0);
    assert.ok(await tip.isHidden());
    await plot.focus();
    await page.keyboard.press("End");
    assert.match(await tip.innerText(), /^Epoch 20/);
    await page.keyboard.press("ArrowLeft");
    assert.match(await tip.innerText(), /^Epoch 19/);
    await page.keyboard.press("Escape");
    assert.ok(await tip.isHidden());
    assert.deepEqual(wrong, []);
    await close();
  },

  async "hides a recipe everywhere and shows it again"() {
    const { page, close } = await open("finished");
    const key = page.locator(`${english} #learning .keys button`, { hasText: "cutmix" }).first();
    const line = page.locator(`${chart("validation-accuracy")} path.line.s-2`);
    assert.ok(await line.isVisible());
    await key.click();
    assert.equal(await key.getAttribute("aria-pressed"), "false");
    assert.ok(await line.isHidden());
    assert.equal(await page.locator(`${english} #cost .keys button`, { hasText: "cutmix" }).getAttribute("aria-pressed"), "false");
    await page.locator(`${chart("validation-accuracy")} svg.fig`).focus();
    await page.keyboard.press("End");
    assert.doesNotMatch(await page.locator(`${chart("validation-accuracy")} .tip`).innerText(), /cutmix/);
    await key.click();
    assert.ok(await line.isVisible());
    await close();
  },

  async "zooms by dragging, by button and back"() {
    const { page, wrong, close } = await open("finished");
    const plot = page.locator(`${chart("validation-accuracy")} svg.fig`);
    await plot.scrollIntoViewIfNeeded();
    const ticks = () => plot.locator(".x-ticks text").allTextContents();
    const path = () => plot.locator("path.line").first().getAttribute("d");
    const [before, drawn] = [await ticks(), await path()];
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 220, { steps: 4 });
    await page.mouse.up();
    const zoomed = (await ticks()).map(Number);
    assert.ok(zoomed[0] >= 9 && zoomed.at(-1) <= 17, `${zoomed}`);
    assert.notEqual(await path(), drawn);
    await plot.screenshot({ path: join(shots, "zoomed.png") });
    await plot.dblclick();
    assert.deepEqual([await ticks(), await path()], [before, drawn]);
    await page.locator(`${english} #learning .keys button[data-zoom="in"]`).first().click();
    assert.ok((await ticks()).map(Number)[0] >= 10);
    await page.locator(`${english} #learning .keys button[data-zoom="out"]`).first().click();
    assert.deepEqual(await ticks(), before);
    assert.deepEqual(wrong, []);
    await close();
  },

  async "speaks Korean when asked, and opens in Korean when made so"() {
    const { page, wrong, close } = await open("finished");
    await page.locator('.switch button[lang="ko"]').click();
    assert.ok(await page.locator("#answer").isHidden());
    assert.match(await page.locator("#answer-ko .answer").innerText(), /^cutmix를 쓰세요/);
    assert.match(await page.locator("#answer-ko .basis").innerText(), /none보다 나음: cutmix/);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
    await page.locator('.language[lang="ko"] .chart.wide[data-name="validation-accuracy"] svg.fig').focus();
    await page.keyboard.press("End");
    assert.match(await page.locator('.language[lang="ko"] .chart.wide[data-name="validation-accuracy"] .tip').innerText(), /^에폭 20/);
    assert.deepEqual(wrong, []);
    await close();
    const made = await open("korean");
    assert.ok(await made.page.locator("#answer-ko").isVisible());
    await made.page.screenshot({ path: join(shots, "korean.png"), fullPage: true });
    await made.close();
  },

  async "reads the confusion matrix cell by cell, in three orders, and finds a class"() {
    const { page, wrong, close } = await open("finished");
    const canvas = page.locator(`${english} #confusion canvas`);
    await canvas.scrollIntoViewIfNeeded();
    const ink = () => canvas.evaluate((c) => {
      const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
      let colours = new Set();
      for (let k = 0; k < pixels.length; k += 404) colours.add(pixels.slice(k, k + 3).join());
      return colours.size;
    });
    assert.ok(await ink() > 5, "cells are drawn");
    const reading = page.locator(`${english} #confusion .reading`);
    await canvas.focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await reading.innerText(), /recognised: \d+ of \d+ \(\d+\.\d\s%\)/);
    await page.keyboard.press("ArrowRight");
    assert.match(await reading.innerText(), /taken for .*: \d+ of \d+/);
    await page.locator(`${english} [data-role="find"]`).fill("papil");
    assert.match(await reading.innerText(), /^papillon recognised/);
    for (const order of ["given", "hard", "similar"]) await page.locator(`${english} [data-role="order"]`).selectOption(order);
    await page.locator(`${english} [data-role="recipe"]`).selectOption("3");
    await page.locator(`${english} [data-role="in"]`).click();
    assert.ok(await ink() > 5);
    await page.locator(`${english} figure.confusion`).screenshot({ path: join(shots, "confusion.png") });
    assert.deepEqual(wrong, []);
    await close();
  },

  async "contents lead to sections that are there, in both languages"() {
    for (const name of ["finished", "half-done", "nothing", "elsewhere"]) {
      const { page, wrong, close } = await open(name);
      const targets = await page.$$eval(".language nav a", (all) => all.map((a) => [a.getAttribute("href"), document.querySelector(a.getAttribute("href"))?.tagName]));
      assert.ok(targets.length > 8 && targets.every(([, tag]) => tag === "SECTION"), `${name}: ${targets}`);
      assert.deepEqual(wrong, []);
      await close();
    }
  },

  async "shows what lies beyond the verdict, and all of it in either language"() {
    const { page, wrong, close } = await open("finished");
    for (const language of ["en", "ko"]) {
      const within = `.language[lang="${language}"]`, tail = language === "ko" ? "-ko" : "";
      await page.locator(`.switch button[lang="${language}"]`).click();
      for (const name of ["classes", "reliability", "equal-time", "epoch-gains"]) {
        const svg = page.locator(`${within} .chart.wide[data-name="${name}"] svg.fig`);
        const box = await svg.boundingBox();
        assert.ok(box.width > 600 && box.height > 150, `${name}: ${JSON.stringify(box)}`);
        assert.ok(await svg.locator("circle, path.line").count() >= 5, name);
      }
      const panels = await page.locator(`${within} .chart.wide[data-name="reliability"] .panel`).count();
      assert.equal(panels, 5);
      assert.equal(await page.locator(`#pairs${tail} tbody tr`).count(), 10);
      assert.ok(await page.locator(`#changes${tail} ul.changed li`).count() > 20);
      assert.ok(await page.locator(`#learning${tail} .courses li`).count() >= 4);
      assert.ok(await page.locator(`#method${tail} .corrections li`).count() >= 5);
    }
    assert.deepEqual(wrong, []);
    await close();
  },

  async "tells the value of an epoch under the pointer, negative ones too"() {
    const { page, close } = await open("finished");
    await page.locator(`${chart("epoch-gains")} svg.fig`).focus();
    await page.keyboard.press("End");
    const text = await page.locator(`${chart("epoch-gains")} .tip`).innerText();
    assert.match(text, /^Epoch 20[\s\S]*cutmix\s+−?\d\.\d\d \(/);
    assert.doesNotMatch(text, /%/);
    await close();
  },

  async "folds the classes away and opens them, by keyboard and for paper"() {
    const { page, close } = await open("photographs");
    const fold = page.locator(`${english} #changes details`);
    const table = fold.locator("table");
    assert.ok(await table.isHidden());
    await fold.locator("summary").focus();
    await page.keyboard.press("Enter");
    assert.ok(await table.isVisible());
    const pictures = await page.$$eval(`${english} #changes svg use`, (all) => all.map((use) => {
      const target = document.querySelector(use.getAttribute("href"));
      return target?.tagName === "image" && target.getAttribute("href").startsWith("data:image/jpeg");
    }));
    assert.ok(pictures.length > 8 && pictures.every(Boolean), `${pictures.length} pictures`);
    await page.screenshot({ path: join(shots, "photographs.png"), fullPage: true });
    await close();
  },

  async "gives away charts as SVG and PNG and tables as CSV"() {
    const { page, wrong, close } = await open("finished");
    const buttons = page.locator(`${chart("differences")} .save button`);
    const svg = await saved(page, buttons.nth(0));
    assert.equal(svg.name, "differences.svg");
    assert.match(svg.bytes.toString(), /^<svg[^>]*xmlns[\s\S]*cutmix[\s\S]*<\/svg>$/);
    const png = await saved(page, buttons.nth(1));
    assert.deepEqual([png.name, png.bytes.subarray(1, 4).toString()], ["differences.png", "PNG"]);
    assert.ok(png.bytes.readUInt32BE(16) === 1920 && png.bytes.length > 10_000, `${png.bytes.length} bytes`);
    const csv = await saved(page, page.locator(`${english} #results .save button`).first());
    const lines = csv.bytes.toString().replace("\ufeff", "").trim().split("\r\n");
    assert.equal(lines.length, 6);
    assert.match(lines[4], /^cutmix,6,0\.\d{3,}/);
    assert.deepEqual(wrong, []);
    await close();
  },

  async "prints, and folds nothing away"() {
    const { page, close } = await open("half-done");
    await page.emulateMedia({ media: "print" });
    const pdf = await page.pdf({ format: "A4", path: join(shots, "half-done.pdf") });
    assert.ok(pdf.length > 50_000 && pdf.subarray(0, 5).toString() === "%PDF-");
    assert.equal(await page.locator(`${english} .keys`).first().isVisible(), false);
    await close();
  },

  async "fits a telephone"() {
    for (const name of ["finished", "hostile", "half-done", "photographs", "until-decided"]) {
      const { page, close } = await open(name, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 });
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(wide <= room, `${name}: ${wide} px on a screen of ${room}`);
      assert.ok(await page.locator(`${english} .chart.narrow`).first().isVisible());
      await page.screenshot({ path: join(shots, `${name}-telephone.png`), fullPage: true });
      await close();
    }
  },

  async "is dark where that is preferred"() {
    const { page, close } = await open("finished", { colorScheme: "dark" });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.ok(paper.match(/\d+/g).slice(0, 3).every((v) => +v < 60), paper);
    await page.screenshot({ path: join(shots, "dark.png"), fullPage: true });
    await close();
  },

  async "is whole without its script"() {
    const { page, close } = await open("finished", { javaScriptEnabled: false });
    for (const name of ["differences", "validation-accuracy"]) assert.ok(await page.locator(`${chart(name)} svg.fig`).isVisible());
    assert.ok(await page.locator(`${english} #confusion svg.fig`).isVisible());
    assert.ok(await page.locator(`${english} .keys`).first().isHidden(), "no button that would do nothing");
    await close();
  },

  async "shows hostile names as text"() {
    const { page, wrong, close } = await open("hostile");
    assert.equal(await page.locator("script").count(), 2);
    assert.equal(await page.locator("img").count(), 0);
    assert.match(await page.locator("#data").innerText(), /Names of the 11 classes/);
    await page.locator("#data summary").last().click();
    const text = await page.locator("#data").innerText();
    for (const name of ["<script>alert('x')</script>", "\"quoted\" & 'single' </style></title>", "🐕‍🦺 dog", "كلب صغير", "강아지"]) assert.ok(text.includes(name), name);
    const plot = page.locator(`${chart("validation-accuracy")} svg.fig`);
    await plot.focus();
    await page.keyboard.press("End");
    assert.ok((await page.locator(`${chart("validation-accuracy")} .tip`).innerText()).includes("<img src_x onerror_alert(1)>-flip"));
    await page.locator(`${english} #confusion canvas`).focus();
    await page.keyboard.press("ArrowDown");
    await page.screenshot({ path: join(shots, "hostile.png"), fullPage: true });
    assert.deepEqual(wrong, []);
    await close();
  },

  async "half-done, one-seed, baseline-less and empty runs open too"() {
    for (const name of ["half-done", "one-seed", "no-baseline", "alone", "nothing", "mismatched", "no-predictions", "until-decided", "elsewhere"]) {
      const { page, wrong, close } = await open(name);
      const answer = await page.locator("#answer .answer, #answer .basis").allInnerTexts();
      assert.ok(answer.join(" ").length > 20, name);
      const text = await page.locator("body").innerText();
      assert.doesNotMatch(text, /NaN|undefined|Infinity|\{\w+\}/, name);
      assert.deepEqual(wrong, [], name);
      await close();
    }
  },

  async "holds nothing wider than it is, and cuts no text in silence"() {
    for (const name of laidOut) {
      for (const width of [400, 1280]) {
        for (const language of ["en", "ko"]) {
          const { page, close } = await open(name, { viewport: { width, height: 900 } });
          await page.locator(`.switch button[lang="${language}"]`).click();
          await page.evaluate(() => document.fonts.ready);
          await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
          const where = `${basename(name)} at ${width} px, ${language}`;
          const found = await page.evaluate(wrongPlaces);
          assert.deepEqual(found, [], where);
          if (width === 400) {
            const last = language === "ko" ? "-ko" : "";
            const seen = await page.$$eval(`#results${last} table.results .under`, (all) => all.map((verdict) => {
              const box = verdict.getBoundingClientRect();
              return box.width > 0 && box.left >= 0 && box.right <= window.innerWidth && verdict.innerText.trim() !== "";
            }));
            assert.ok(seen.length > 1 && seen.every(Boolean), `${where}: verdicts in sight: ${seen}`);
            await page.screenshot({ path: join(shots, `${basename(name)}-400-${language}.png`), fullPage: true });
          }
          await close();
        }
      }
    }
  },

  async "writes all text with a contrast of at least 4.5 to 1"() {
    for (const name of laidOut) {
      for (const colorScheme of ["light", "dark"]) {
        for (const language of ["en", "ko"]) {
          const { page, close } = await open(name, { colorScheme });
          await page.locator(`.switch button[lang="${language}"]`).click();
          await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
          assert.deepEqual(await page.evaluate(faint), [], `${basename(name)}, ${colorScheme}, ${language}`);
          await close();
        }
      }
    }
  },

  async "keeps the language buttons free of the banner of a live run"() {
    const { page, close } = await open("finished", { viewport: { width: 400, height: 900 } });
    await page.evaluate(() => {
      const bar = document.body.insertBefore(document.createElement("div"), document.body.firstChild);
      bar.className = "live";
      bar.textContent = "Live: 3 of 30 trials done, about 4 min left";
    });
    const [bar, buttons] = [await page.locator(".live").boundingBox(), await page.locator(".switch").boundingBox()];
    assert.ok(buttons.y >= bar.y + bar.height, JSON.stringify([bar, buttons]));
    await page.locator('.switch button[lang="ko"]').click();
    assert.ok(await page.locator("#answer-ko").isVisible());
    await close();
  },

  async "tells a class whose name was cut in the matrix when it is pointed at"() {
    const { page, close } = await open("long-names");
    const canvas = page.locator(`${english} #confusion canvas`);
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    await page.mouse.move(box.x + 20, box.y + box.height * 0.95);
    assert.ok((await canvas.getAttribute("title")).length > 3);
    assert.match(await page.locator(`${english} #confusion [data-role="in"]`).innerText(), /[a-z]{3}/);
    await page.locator(`${english} figure.confusion`).screenshot({ path: join(shots, "long-names-confusion.png") });
    await close();
  },

  async "has no barrier that axe knows of"() {
    for (const name of ["finished", "hostile", "half-done", "photographs", "until-decided", "elsewhere"]) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, close } = await open(name, { colorScheme, bypassCSP: true });
        await page.evaluate(axe);
        const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }));
        const violations = found.violations.map((v) => `${name} ${colorScheme}: ${v.id} (${v.impact}): ${v.nodes[0].target} ${v.nodes[0].failureSummary}`);
        assert.deepEqual(violations, []);
        await close();
      }
    }
  },
};

// ONLY: part of the names of the tests to run.
let failed = 0;
for (const [name, test] of Object.entries(tests).filter(([name]) => name.includes(process.env.ONLY ?? ""))) {
  try {
    await test();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
