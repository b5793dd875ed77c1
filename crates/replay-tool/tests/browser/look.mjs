// Looks at a page in Chromium, as a person would: draws it on a screen and for print, reads its tables, notes every complaint
// and every request. Prints what it saw as JSON.
//   node look.mjs PAGE.html FOLDER    FOLDER gets screen.png and print.pdf
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// From the folder in which this is run, where npm installed them.
const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { chromium } = require('playwright-core');
const bundled = require('@sparticuz/chromium');

const [page_file, folder] = process.argv.slice(2);
bundled.setGraphicsMode = false;
const browser = await chromium.launch({ executablePath: await bundled.executablePath(), args: bundled.args, headless: true });
try {
  // The context has scripts switched off for the page: it must do without.
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1000, height: 1400 } });
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(page_file).href, { waitUntil: 'load' });

  const seen = await page.evaluate(() => {
    const text = (node) => node.textContent.trim();
    const cell = (node) => ({ text: text(node), key: node.dataset.key, n: node.dataset.n });
    const rows = (table, part) => [...table.querySelectorAll(`${part} tr`)].map((row) => [...row.children].map(cell));
    const tables = {};
    for (const table of document.querySelectorAll('table')) {
      tables[table.id] = {
        caption: text(table.caption),
        heads: [...table.querySelectorAll('thead th')].map(text),
        rows: rows(table, 'tbody'),
        foot: rows(table, 'tfoot')[0] ?? null,
        inside: table.getBoundingClientRect().right <= document.documentElement.clientWidth,
      };
    }
    const charts = [...document.querySelectorAll('svg.chart')].map((svg) => {
      const frame = svg.getBoundingClientRect();
      const outside = [...svg.querySelectorAll('text')].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
      });
      return { name: svg.getAttribute('aria-label'), width: frame.width, height: frame.height, outside: outside.map(text) };
    });
    return {
      title: document.title,
      lang: document.documentElement.lang,
      headings: [...document.querySelectorAll('h1, h2')].map(text),
      source: text(document.querySelector('dl.facts dd')),
      elements: document.querySelectorAll('script, link, img, iframe, object, embed, [src], [href]').length,
      tables,
      charts,
    };
  });
  const shot = await page.screenshot({ fullPage: true, path: `${folder}/screen.png` });
  const drawn = [];
  for (const chart of await page.locator('svg.chart').all()) drawn.push(await chart.screenshot());

  // How much of each picture is ink: counted by the browser itself, on an empty page.
  const counter = await (await browser.newContext()).newPage();
  const ink = (png) =>
    counter.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      const colours = new Set();
      let inked = 0;
      for (let i = 0; i < data.length; i += 4) {
        const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
        colours.add(colour);
        inked += colour === 0xffffff ? 0 : 1;
      }
      return { colours: colours.size, inked: inked / (data.length / 4) };
    }, `data:image/png;base64,${png.toString('base64')}`);
  seen.screen = await ink(shot);
  for (const [n, png] of drawn.entries()) Object.assign(seen.charts[n], await ink(png));

  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  await writeFile(`${folder}/print.pdf`, pdf);
  seen.printed = { bytes: pdf.length, pages: (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length };
  seen.bytes = (await readFile(page_file)).length;
  console.log(JSON.stringify({ ...seen, complaints, requests, browser: browser.version() }));
} finally {
  await browser.close();
}
