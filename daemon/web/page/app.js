// The frame around the views: head, navigation, routes, what every view shares.
import {h, keepFocus, replace} from './dom.js';
import {Problem, remove} from './api.js';
import {logIn} from './login.js';
import {annunciate, setSound, soundState, watchSound} from './annunciator.js';
import {follow, plant, start, stop} from './plant.js';
import {enter, may, session, site} from './site.js';
import {duration, clock, everySecond, now, steady} from './time.js';
import {failed, icon, severityMark, toast, waiting} from './ui.js';
import {choose, language, languages, t} from './words.js';

// path: with :names; view: the module that shows it; nav: its place in the navigation.
const ROUTES = [
  {path: '/', view: 'overview', nav: 'Overview', icon: 'home'},
  {path: '/alarms', view: 'alarms', nav: 'Alarms', icon: 'bell'},
  {path: '/tickets', view: 'tickets', nav: 'Tickets', icon: 'ticket'},
  {path: '/tickets/:number', view: 'ticket'},
  {path: '/devices', view: 'devices', nav: 'Devices', icon: 'plug'},
  {path: '/devices/:id', view: 'device'},
  {path: '/plan', view: 'plan', nav: 'Plan', icon: 'calendar'},
  {path: '/report', view: 'report', nav: 'Report', icon: 'chart'},
  {path: '/rules', view: 'rules', nav: 'Rules', icon: 'rule'},
  {path: '/rules/:id', view: 'rule'},
  {path: '/people', view: 'people', nav: 'People', icon: 'user', role: 'administrator'},
];
const navText = () => ({
  Overview: t('Overview'), Alarms: t('Alarms'), Tickets: t('Tickets'), Devices: t('Devices'), Plan: t('Plan'),
  Report: t('Report'), Rules: t('Rules'), People: t('People'),
});

const BEGIN_AGAIN_MS = 10e3;

let current = null; // What show() of the present view gave.
let broken = false; // The present view could not be shown.
let shown = 0; // Numbers the navigations: an older one that comes late is dropped.
let main, nav, siteName, summary, line, clockText;
let muteEnds = null; // Ends the watch of the frame's button for the sound.

// Null: it is no text.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function match(path) {
  const parts = path.split('/').filter(Boolean);
  for (const route of ROUTES) {
    const wanted = route.path.split('/').filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const params = {};
    if (wanted.every((part, i) => (part.startsWith(':') ? (params[part.slice(1)] = decoded(parts[i])) !== null : part === parts[i]))) return {route, params};
  }
  return null;
}

// Goes to a path of the page, e.g. go('/devices/pump-1').  replaceIt: without a step back.
export function go(path, replaceIt) {
  history[replaceIt ? 'replaceState' : 'pushState'](null, '', path);
  return show();
}

// A view has its own looks and nobody else's: those of the views that were shown before rest.
const styles = new Map(); // View -> {link, ready}
let worn = null;
const rest = (view, link) => { if (link.sheet) link.sheet.disabled = view !== worn; };
function wear(view) {
  worn = view;
  for (const [name, {link}] of styles) rest(name, link);
}

function style(view) {
  const there = styles.get(view);
  if (there) return there.ready;
  const link = h('link', {rel: 'stylesheet', href: `/page/${view}.css`});
  const ready = new Promise((resolve) => {
    link.onload = () => {
      rest(view, link);
      resolve();
    };
    link.onerror = () => { // It is asked for again when the view is shown again.
      styles.delete(view);
      link.remove();
      resolve();
    };
  });
  styles.set(view, {link, ready});
  document.head.append(link);
  return ready;
}

async function code(view) {
  try {
    return await import(`./${view}.js`);
  } catch (e) {
    throw e instanceof TypeError ? new Problem(0, t('No answer'), t('The gateway does not answer.'), null) : e;
  }
}

// A browser may keep in mind that code could not be fetched, for as long as the page is there.
function reloadOnce() {
  const before = Number(sessionStorage.getItem('reloaded'));
  if (Math.abs(Date.now() - before) < BEGIN_AGAIN_MS * 6) return;
  sessionStorage.setItem('reloaded', Date.now());
  location.reload();
}

// `again`: the gateway is back, and the present view could not be shown before.
async function show(again = false) {
  const mine = ++shown;
  let fetched = false;
  const found = match(location.pathname);
  for (const box of document.querySelectorAll('dialog[open]')) box.close(); // They go with what is behind them.
  current?.close?.();
  current = null;
  broken = false;
  for (const link of nav.querySelectorAll('a')) {
    const here = link.pathname === '/' ? location.pathname === '/' : location.pathname.startsWith(link.pathname);
    link.toggleAttribute('data-here', here);
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const root = h('div', {class: `view view-${found?.route.view ?? 'none'}`}, waiting());
  replace(main, root);
  if (!found) {
    replace(root, h('h1', {}, t('There is no such page')), h('a', {href: '/'}, t('To the overview')));
    return;
  }
  try {
    const [module] = await Promise.all([code(found.route.view), style(found.route.view)]);
    fetched = true;
    if (mine !== shown) return;
    wear(found.route.view);
    root.textContent = '';
    const view = await module.show(root, {params: found.params, query: new URLSearchParams(location.search)});
    if (mine !== shown) {
      view?.close?.();
      return;
    }
    current = view;
    setTitle(view?.title);
    // A link that was followed has gone with its view: the reader is in the new one.
    if (document.activeElement === document.body) main.focus({preventScroll: true});
  } catch (e) {
    if (mine === shown) {
      broken = true;
      replace(root, failed(e, () => show(true)), e.status === 404 ? h('p', {}, h('a', {href: '/'}, t('To the overview'))) : null);
      if (again && !fetched && plant.state === 'live') reloadOnce();
    }
    if (e.status === undefined) console.error(e);
  }
}

let title = '';
function setTitle(text) {
  title = text ?? title;
  const waitingCritical = [...plant.alarms.values()].filter((a) => a.severity === 'critical' && a.state === 'active').length;
  document.title = `${waitingCritical ? `(${waitingCritical}) ` : ''}${title ? `${title} – ` : ''}${site?.name ?? 'Caretaker'}`;
}

// Counts of what stands, by severity: the one glance, on every view.  Written only when it says
// something else, for it is read out then.
function drawSummary() {
  const all = [...plant.alarms.values()];
  const standing = all.filter((a) => a.state === 'active' || a.state === 'active-acked');
  const rows = ['critical', 'urgent', 'normal', 'info'].map((severity) => {
    const own = standing.filter((a) => a.severity === severity);
    return {severity, n: own.length, fresh: own.some((a) => a.state === 'active')};
  }).filter((row) => row.n > 0);
  const cleared = all.filter((a) => a.state === 'cleared').length;
  const said = JSON.stringify([rows, cleared, plant.loaded]);
  if (summary.dataset.said !== said) {
    summary.dataset.said = said;
    const calm = cleared ? h('a', {class: 'calm', href: '/alarms'}, t('{n} to acknowledge', {n: cleared})) : h('span', {class: 'calm'}, plant.loaded ? t('No alarms') : '');
    keepFocus(summary, () => replace(summary, rows.length > 0
      ? rows.map(({severity, n, fresh}) => h('a', {href: `/alarms?severity=${severity}`, class: `count${fresh ? ' fresh' : ''}`}, severityMark(severity, true), h('b', {}, n))) : calm));
  }
  setTitle();
}

// The words are read out once, the time that goes on is not.
function drawLine() {
  const lost = plant.state === 'lost';
  if (line.hidden === lost) {
    line.hidden = !lost;
    replace(line, lost ? [h('span', {class: 'vh', role: 'alert'}, t('No connection to the gateway.')), h('span', {'aria-hidden': 'true'})] : '');
  }
  if (lost) line.lastChild.textContent = t('No connection to the gateway for {time}. What is shown is as it was then.', {time: duration(steady() - plant.since)});
}

function theme(next) {
  const order = ['auto', 'light', 'dark'];
  let name = localStorage.getItem('theme') ?? 'auto';
  if (next) {
    name = order[(order.indexOf(name) + 1) % order.length];
    localStorage.setItem('theme', name);
    toast({auto: t('Light or dark as the device is'), light: t('Light'), dark: t('Dark')}[name]);
  }
  document.documentElement.dataset.theme = name;
}

function wall(next) {
  const on = next ? localStorage.getItem('wall') !== '1' : localStorage.getItem('wall') === '1' || new URLSearchParams(location.search).has('wall');
  if (next) localStorage.setItem('wall', on ? '1' : '0');
  document.documentElement.classList.toggle('wall', on && !matchMedia('(max-width: 760px)').matches);
}

async function logOut() {
  await remove('session');
  location.assign('/');
}

function tool(name, text, act) {
  return h('button', {type: 'button', class: `plain tool tool-${name}`, title: text, 'aria-label': text, onclick: act}, icon(name));
}

function menu() {
  const others = Object.entries(languages()).filter(([name]) => name !== language());
  return h('div', {class: 'tools'},
    others.map(([name, text]) => h('button', {type: 'button', class: 'plain', lang: name, onclick: () => { choose(name); location.reload(); }}, text)),
    tool('moon', t('Light or dark'), () => theme(true)),
    tool('screen', t('Wall screen'), () => wall(true)),
    session.user
      ? [h('a', {class: 'button plain', href: '/people', title: t('Your account')}, icon('user'), h('span', {class: 'who'}, session.name ?? session.user)), tool('out', t('Log out'), () => logOut().catch((e) => toast(e.message, 'bad')))]
      : session.log_in ? h('a', {href: '/', onclick: () => location.reload()}, t('Log in')) : h('a', {class: 'quiet', href: '/people'}, t('Read-only')));
}

function frame() {
  const texts = navText();
  summary = h('div', {class: 'summary', role: 'status', 'aria-label': t('Standing alarms')});
  line = h('div', {class: 'lost', hidden: true});
  clockText = h('time', {class: 'clock'});
  // A horn that is wanted and may not sound is told on every view: nobody would know else.
  const mute = h('button', {type: 'button', class: 'mute', onclick: () => setSound(true)}, icon('bellOff'), t('Sound: click to allow'));
  const drawMute = () => { mute.hidden = soundState() !== 'blocked'; };
  muteEnds?.(); // Of a frame before.
  muteEnds = watchSound(drawMute);
  drawMute();
  nav = h('nav', {'aria-label': t('Pages')}, ROUTES.filter((r) => r.nav && (!r.role || may(r.role))).map((r) => h('a', {href: r.path}, icon(r.icon), h('span', {}, texts[r.nav]))));
  main = h('main', {id: 'main', tabindex: '-1'});
  document.body.replaceChildren(
    h('a', {class: 'skip', href: '#main'}, t('To the content')),
    h('header', {class: 'top'}, siteName = h('a', {class: 'site', href: '/'}, site.name), summary, mute, clockText, menu()),
    line, h('div', {class: 'body'}, nav, main));
}

// Links of the page are followed without loading it anew.
document.addEventListener('click', (e) => {
  const link = e.target.closest?.('a[href^="/"]');
  if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || link.target || link.pathname.startsWith('/api/')) return;
  e.preventDefault();
  go(link.pathname + link.search + link.hash);
});
window.addEventListener('popstate', () => main && show());
let leaving = false;
window.addEventListener('logged-out', () => {
  if (main && !leaving && session.role) {
    leaving = true;
    location.reload();
  }
});

// Who is in the middle of something is not disturbed.
let outdated = false;
const busy = () => document.querySelector('dialog[open]') || document.activeElement?.matches('main :is(input, select, textarea)');
window.addEventListener('other-version', () => { outdated = true; });

async function begin() {
  theme();
  wall();
  await enter();
  while (!session.role) {
    await logIn(document.body, session.site_name);
    await enter();
  }
  frame();
  follow((change) => {
    if (change.kind === 'state') {
      drawLine();
      if (broken && plant.state === 'live') show(true); // What could not be read then can be now.
    }
    if (change.kind === 'all') siteName.textContent = site.name;
    drawSummary();
    annunciate(change);
  });
  const second = () => {
    clockText.textContent = clock(now());
    drawLine();
    if (outdated && !busy()) location.reload();
  };
  everySecond(second);
  second();
  window.addEventListener('pagehide', stop);
  window.addEventListener('pageshow', (e) => e.persisted && start());
  start();
  drawSummary();
  await show();
}

begin().catch((e) => {
  console.error(e);
  document.body.replaceChildren(h('main', {class: 'centre'}, failed(e, () => location.reload())));
  if (e instanceof Problem) setTimeout(() => location.reload(), BEGIN_AGAIN_MS); // Nobody may be there to press it.
});
