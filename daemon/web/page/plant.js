// The plant as it is now: alarms and open tickets, read once and kept by the event stream.
// Views read plant.alarms and plant.tickets and are told of what changed.
import {get, url} from './api.js';
import {site} from './site.js';
import {setNow} from './time.js';
import {inOwnTitle, language} from './words.js';

export const plant = {
  alarms: new Map(), // 'device/rule' -> row of the alarms listing: all that is not normal.
  tickets: new Map(), // number -> row of the tickets listing: those that are not closed.
  loaded: false, // Both were read: that there is none is known.
  state: 'waiting', // live: the stream runs; waiting: begins; lost: nobody answers.
  seq: 0, // Of the last event.
  since: null, // When it was lost (ms of this machine), or null.
};

const listeners = new Set();
let source = null;
let retry = null;
let wait = 0;
let queue = null; // Messages that came before the listings did; null: they are here.

// f(change): change is {kind: 'all'} (read anew), {kind: 'state'} or {kind: 'event', seq,
// event, alarm, ticket} with the rows as they are now (null: gone).  Returns what ends it.
export function follow(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

function tell(change) {
  for (const f of [...listeners]) f(change);
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
      if (!fresh || plant.alarms.get(alarmKey(row)) !== row) return;
      for (const key of WORDS) row[key] = fresh[key];
    }, () => {}); // What it says in the other language is right too.
  }
  return row;
}

function apply(message) {
  const {event} = message;
  plant.seq = message.seq;
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
    const rows = await get('alarms', {device, details: 1, language: language()});
    if (source !== mine || queue) return; // All are read anew.
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
  const [alarms, tickets] = await Promise.all([get('alarms', {details: 1, language: language()}), get('tickets', {details: 1})]);
  if (queue !== mine) return; // Begun anew meanwhile.
  plant.alarms = new Map(alarms.map((row) => [alarmKey(row), inOwnTitle(row)]));
  plant.tickets = new Map(tickets.map((row) => [row.number, inOwnTitle(row)]));
  queue = null;
  plant.loaded = true;
  tell({kind: 'all'});
  mine.forEach(apply);
}

function setState(state) {
  if (plant.state === state) return;
  plant.state = state;
  plant.since = state === 'live' ? null : plant.since ?? Date.now();
  tell({kind: 'state'});
}

function lose() {
  stop();
  setState('lost');
  wait = Math.min(wait ? wait * 2 : 500, 15000);
  retry = setTimeout(start, wait * (0.5 + Math.random()));
}

export function start() {
  stop();
  const mine = new EventSource(url('stream', {after: plant.seq || null}));
  source = mine;
  // The first word of each connection: where the journal stands, and what time it is.
  mine.addEventListener('hello', (e) => {
    const said = JSON.parse(e.data);
    setNow(said.now);
    const resumed = plant.seq !== 0 && said.resumed;
    wait = 0;
    if (!resumed) {
      plant.seq = said.seq;
      load().then(() => setState('live'), lose);
    } else {
      setState('live');
    }
  });
  mine.addEventListener('reset', () => load().catch(lose));
  mine.addEventListener('message', (e) => {
    const message = JSON.parse(e.data);
    if (queue) queue.push(message);
    else apply(message);
  });
  // The browser would try again by itself, but not after every error, and never slower.
  mine.addEventListener('error', () => mine === source && lose());
}

export function stop() {
  clearTimeout(retry);
  source?.close();
  source = null;
  queue = null;
}
