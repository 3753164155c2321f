"""What a page must be for everybody (WCAG 2.2, level AA), as far as a browser can tell: names, labels, headings, contrast, size
of what is touched, what keys reach.  axe-core, which would look at more, is in no package of Debian."""

LOOK = r"""
const phone = arguments[0];
const out = [];
const seen = (e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true}) && e.getClientRects().length > 0;
const all = (what) => [...document.querySelectorAll(what)].filter(seen);
const called = (e) => `${e.tagName.toLowerCase()}.${e.className?.baseVal ?? e.className} "${(e.innerText ?? '').trim().slice(0, 30)}"`;
const name = (e) => (e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.innerText ?? '').join(' ')
  || [...(e.labels ?? [])].map((l) => l.innerText).join(' ') || e.innerText || e.getAttribute('title') || e.getAttribute('alt') || e.querySelector?.('img[alt], [aria-label], title')?.textContent
  || e.querySelector?.('img[alt]')?.alt || '').trim();

for (const e of all('button, a[href], input, select, textarea, summary, [role=button]')) if (!name(e) && e.type !== 'hidden') out.push(`no name: ${called(e)}`);
// What is seen of a control is part of its name (2.5.3): who speaks to it says what he sees.
const words = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
for (const e of all('[aria-label]:is(button, a, summary, [role=button])')) {
  const shown = words(e.innerText ?? '');
  if (shown && !` ${words(e.getAttribute('aria-label'))} `.includes(` ${shown} `)) out.push(`the name lacks what is seen: ${called(e)}`);
}
for (const e of all('th')) if (!e.innerText.trim() && !name(e)) out.push(`a heading without text: ${called(e.closest('table'))}`);
// What scrolls can be scrolled by keys (2.1.1).
for (const e of all('main *')) {
  const style = getComputedStyle(e);
  const scrolls = (/auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1) || (/auto|scroll/.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1);
  if (scrolls && e.tabIndex < 0 && !e.querySelector('a[href], button:enabled, input:enabled, select, textarea, summary, [tabindex="0"]') && !e.matches('textarea, select')) out.push(`no key scrolls it: ${called(e)}`);
}
for (const e of all('img')) if (!e.hasAttribute('alt')) out.push(`no alt: ${e.src}`);
for (const e of all('svg[role=img]')) if (!e.getAttribute('aria-label')) out.push('a drawing without a name');
const ids = new Map();
for (const e of document.querySelectorAll('[id]')) ids.set(e.id, (ids.get(e.id) ?? 0) + 1);
for (const [id, n] of ids) if (n > 1) out.push(`the id ${id} stands ${n} times`);
for (const e of document.querySelectorAll('[tabindex]')) if (Number(e.getAttribute('tabindex')) > 0) out.push(`tabindex: ${called(e)}`);
if (!document.documentElement.lang) out.push('no language');
if (!document.title) out.push('no title');
if (all('main').length !== 1) out.push('not one main');
if (all('h1').length !== 1) out.push(`${all('h1').length} h1`);
let level = 0;
for (const e of all('main :is(h1, h2, h3, h4, h5, h6)')) {
  const own = Number(e.tagName[1]);
  if (own > level + 1) out.push(`h${own} behind h${level}: ${e.innerText.slice(0, 30)}`);
  level = own;
}

// Contrast: the text's colour against what lies behind it.
const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1);
const light = (c) => { const [r, g, b] = c.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
function behind(e) {
  const layers = [];
  for (let at = e; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== 'none' && !style.backgroundImage.startsWith('repeating-linear')) return null;
    layers.push(rgba(style.backgroundColor));
    if (layers.at(-1)[3] === 1) break;
  }
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const done = new Set();
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.nodeValue.trim() || done.has(e) || e.closest('svg, :disabled, [aria-disabled=true], noscript, option, script, style') || !seen(e)) continue;
  done.add(e);
  const style = getComputedStyle(e);
  const back = behind(e);
  if (!back) continue;
  const ink = over(rgba(style.color), back);
  const [a, b] = [light(ink.slice(0, 3)), light(back.slice(0, 3))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) out.push(`contrast ${ratio.toFixed(2)}: ${called(e)}`);
}

// 24 px (2.5.8), and 44 on the phone (2.5.5) for what is a button.
for (const e of all('button, select, input:not([type=checkbox], [type=radio], [type=file]), .button')) {
  const box = e.getBoundingClientRect();
  const least = phone && e.matches('button:not(.plain), .button') ? 40 : 24;
  if (box.height < least - 0.5 || box.width < 24) out.push(`${Math.round(box.width)} x ${Math.round(box.height)} px: ${called(e)}`);
}
// A smaller target has 24 px for itself (2.5.8); a link within a sentence need not.
const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
const apart = ([x, y], box) => Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
const inSentence = (e) => getComputedStyle(e).display === 'inline' && [...e.parentElement.childNodes].some((n) => n.nodeType === 3 && n.nodeValue.trim());
const targets = all('a[href], button, select, input:not([type=checkbox], [type=radio], [type=file]), summary').map((e) => [e, e.getBoundingClientRect()]);
const small = (box) => box.height < 23.5 || box.width < 23.5;
for (const [e, box] of targets) {
  if (!small(box) || inSentence(e)) continue;
  const near = targets.find(([other, b]) => other !== e && !other.contains(e) && !e.contains(other) && (small(b) ? Math.hypot(middle(b)[0] - middle(box)[0], middle(b)[1] - middle(box)[1]) < 24 : apart(middle(box), b) < 12));
  if (near) out.push(`${Math.round(box.width)} x ${Math.round(box.height)} px, too close to ${called(near[0])}: ${called(e)}`);
}
return [...new Set(out)];
"""


def faults(browser, phone=False):
    """What is wrong on the page that is shown, one text each."""
    return browser.js(LOOK, phone)
