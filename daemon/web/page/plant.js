// The plant as it is now: alarms and open tickets, read once and kept by the event stream.
// Views read plant.alarms and plant.tickets and are told of what changed.
import {get, url} from './api.js';
import {renewSite, session, site} from './site.js';
import {setNow, steady} from './time.js';
import {inOwnTitle, language} from './words.js';

export const plant = {
  alarms: new Map(), // 'device/rule' -> row of the alarms listing: all that is not normal.
  tickets: new Map(), // number -> row of the tickets listing: those that are not closed.
  loaded: false, // Both were read: that there is none is known.
  state: 'waiting', // live: the stream runs; waiting: begins; lost: nobody answers.
  seq: 0, // Of the last event.
  since: null, // When it was lost (of the steady clock), or null.
  version: null, // Of the gateway that this page came from.
};

// The gateway gives a sign of life each 15 s.  Who pulls a cable closes no connection: when
// nothing was heard for this long, nobody is there.
const SILENT_MS = 40e3;
const LOOK_MS = 5e3;
const ANSWER_MS = 10e3;

const listeners = new Set();
let source = null;
let retry = null;
let attempt = 0; // Numbers the connections, and what is done to get one.
let wait = 0;
let heard = 0; // When the last word came.
let watch = null;
const touched = new Map(); // Device -> seq of its last event.
let greeted = false; // The stream was there before.
let complete = false; // The listings are those of the events up to plant.seq.
let queue = null; // Messages that came before the listings did; null: they are here.

// f(change): change is {kind: 'all'} (read anew), {kind: 'state'} or {kind: 'event', seq,
// event, alarm, ticket} with the rows as they are now (null: gone).  Returns what ends it.
export function follow(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

function tell(change) {
  for (const f of [...listeners]) {
    try {
      f(change);
    } catch (e) {
      reportError(e); // The others are told all the same.
    }
  }
}

export const alarmKey = (row) => `${row.device}/${row.rule}`;

// Messages are made once for all, in the language of the site; the texts of the rule in that of
// who looks are asked for once.
const WORDS = ['cause', 'consequence', 'action'];
function inOwnWords(row) {
  inOwnTitle(row);
  if (language() === site?.language) return row;
  const known = plant.alarms.get(alarmKey(row));
  if (known) {
    for (const key of WORDS) row[key] = known[key];
  } else {
    get('alarms', {device: row.device, rule: row.rule, details: 1, language: language()}).then(([fresh]) => {
      const present = plant.alarms.get(alarmKey(row)); // It may be another by now, of the same rule.
      if (fresh && present) for (const key of WORDS) present[key] = fresh[key];
    }, () => {}); // What it says in the other language is right too.
  }
  return row;
}

function apply(message) {
  const {event} = message;
  plant.seq = message.seq;
  if (event.device) touched.set(event.device, message.seq);
  if (event.rule && event.event.startsWith('alarm.')) {
    if (message.alarm) plant.alarms.set(alarmKey(event), inOwnWords(message.alarm));
    else plant.alarms.delete(alarmKey(event));
  } else if (message.alarm) {
    plant.alarms.set(alarmKey(message.alarm), inOwnWords(message.alarm));
  }
  if (event.ticket) {
    if (message.ticket && message.ticket.state !== 'closed') plant.tickets.set(event.ticket, inOwnTitle(message.ticket));
    else plant.tickets.delete(event.ticket);
  }
  tell({kind: 'event', ...message});
  if (event.event === 'device.out_of_service' || event.event === 'device.in_service') again(event.device);
}

// Hiding a device hides its alarms without a word about each: they are read anew.
async function again(device) {
  const mine = source;
  try {
    let rows, seq;
    do {
      seq = touched.get(device);
      rows = await get('alarms', {device, details: 1, language: language()});
      if (source !== mine || queue) return; // All are read anew.
    } while (seq !== touched.get(device)); // What came meanwhile may be newer than the answer.
    for (const key of plant.alarms.keys()) if (key.startsWith(`${device}/`)) plant.alarms.delete(key);
    for (const row of rows) plant.alarms.set(alarmKey(row), inOwnTitle(row));
    tell({kind: 'all'});
  } catch {
    if (source === mine) lose();
  }
}

async function load() {
  const mine = [];
  queue = mine;
  complete = false;
  const [alarms, tickets] = await Promise.all([get('alarms', {details: 1, language: language()}), get('tickets', {details: 1})]);
  if (queue !== mine) return; // Begun anew meanwhile.
  plant.alarms = new Map(alarms.map((row) => [alarmKey(row), inOwnTitle(row)]));
  plant.tickets = new Map(tickets.map((row) => [row.number, inOwnTitle(row)]));
  queue = null;
  complete = true;
  plant.loaded = true;
  tell({kind: 'all'});
  mine.forEach(apply);
}

function setState(state) {
  if (plant.state === state) return;
  plant.state = state;
  plant.since = state === 'live' ? null : plant.since ?? steady();
  tell({kind: 'state'});
}

function lose() {
  stop();
  setState('lost');
  wait = Math.min(wait ? wait * 2 : 500, 15000);
  retry = setTimeout(askFirst, wait * (0.5 + Math.random()));
}

// A stream does not say why it was refused: whether the session has ended is asked for.
async function askFirst() {
  const mine = attempt;
  try {
    const said = await get('session', null, {signal: AbortSignal.timeout(ANSWER_MS)});
    if (attempt !== mine) return;
    if (session.role && said.role === 'none') window.dispatchEvent(new Event('logged-out'));
    start();
  } catch {
    if (attempt === mine) lose();
  }
}

// A gateway of another version has another page.
function compare(version) {
  if (version && plant.version && version !== plant.version) window.dispatchEvent(new Event('other-version'));
  plant.version ??= version;
}

export function start() {
  stop();
  begun = true;
  rests = false;
  if (document.hidden) tabs.postMessage('hidden');
  const mine = new EventSource(url('stream', {after: plant.seq || null}));
  source = mine;
  heard = steady();
  watch = setInterval(() => steady() - heard > SILENT_MS && lose(), LOOK_MS);
  const on = (name, f) => mine.addEventListener(name, (e) => {
    heard = steady();
    f(e.data ? JSON.parse(e.data) : null);
  });
  const live = () => {
    if (mine !== source) return;
    wait = 0;
    setState('live');
  };
  const gone = () => mine === source && lose(); // Another one may run already.
  // The first word of each connection: where the journal stands, and what time it is.
  on('hello', (said) => {
    setNow(said.now);
    compare(said.version);
    // A gateway that was away may have another site; at the beginning it was read just now.
    const known = greeted ? renewSite() : Promise.resolve(false);
    greeted = true;
    if (complete && said.resumed) {
      known.then((other) => { if (other) tell({kind: 'all'}); live(); }).catch(gone);
    } else {
      plant.seq = said.seq;
      known.then(load).then(live, gone);
    }
  });
  on('ping', (said) => setNow(said.now));
  on('reset', () => renewSite().then(load).catch(gone));
  on('message', (message) => {
    if (queue) queue.push(message);
    else apply(message);
  });
  // The browser would try again by itself, but not after every error, and never slower.
  mine.addEventListener('error', gone);
}

export function stop() {
  attempt++;
  clearTimeout(retry);
  clearInterval(watch);
  source?.close();
  source = null;
  queue = null;
}

// A browser keeps six connections to a gateway for all of its tabs together.  Of the tabs that
// nobody sees only the last one that was seen keeps its stream, for the horn and the count in its
// title; the others go on where they were when somebody looks at them.
const tabs = new BroadcastChannel('caretaker-tabs');
let begun = false;
let rests = false;
tabs.addEventListener('message', () => {
  if (!document.hidden || !begun) return;
  rests = true;
  stop();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) tabs.postMessage('hidden');
  else if (rests) start();
});
