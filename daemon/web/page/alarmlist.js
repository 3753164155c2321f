// The alarm list without its looks: what a row says, which rows are shown, in which order, and
// what folds into one line.  Nothing here touches the page.
import {ms} from './time.js';

export const SEVERITIES = ['critical', 'urgent', 'normal', 'info'];
export const SORTS = ['importance', 'newest', 'oldest', 'device', 'deadline'];
export const STATES = ['unacked', 'acked', 'returned'];
export const FOLD_OVER = 5; // More of one cause fold into one line.
const HIDDEN = ['shelved', 'suppressed', 'out-of-service'];
const STATE_ORDER = {active: 0, cleared: 1, 'active-acked': 2};

// One alarm with all that a reader asks of it; `device`, `ticket` and `out` (who took the device
// out of service) may be undefined.  Rows of an older daemon say less: the others fill in.
export function itemOf(row, device, ticket, out) {
  const hidden = HIDDEN.includes(row.state);
  const due = dueOf(row, ticket);
  return {
    key: `${row.device}/${row.rule}`,
    row, device: row.device, rule: row.rule, severity: row.severity, rank: Math.max(0, SEVERITIES.indexOf(row.severity)),
    state: row.state, hidden, unacked: row.state === 'active' || row.state === 'cleared', returned: row.state === 'cleared',
    standing: row.cleared_at === null || row.cleared_at === undefined,
    title: row.title || row.rule, name: row.device_name ?? device?.name ?? row.device,
    location: row.location ?? device?.location ?? null, area: row.area ?? device?.area ?? null, type: row.device_type ?? row.type ?? device?.type ?? '',
    since: ms(row.raised_at), value: row.value, unit: row.unit ?? null,
    // The row's words of its ticket are as of the alarm's last event: the ticket's own are newer.
    ticket: row.ticket || null, ticketState: ticket?.state ?? row.ticket_state ?? null,
    assignee: (ticket ?? row).assignee ?? null, team: ticket?.team ?? row.team ?? null,
    dueAt: due?.at ?? null, dueFor: due?.what ?? null,
    group: row.group ?? null, firstOut: Boolean(row.first_out), chattering: Boolean(row.chattering ?? row.chatter),
    latched: Boolean(row.returned_at),
    parent: device?.parent ?? null, suppressedBy: row.suppressed_by ?? (row.state === 'suppressed' ? row.hidden_by : null) ?? null,
    hiddenBy: row.hidden_by ?? (row.state === 'out-of-service' ? out?.by : null) ?? null,
    hiddenWhy: row.hidden_why ?? row.hidden_reason ?? (row.state === 'out-of-service' ? out?.reason : null) ?? null,
    hiddenUntil: ms(row.hidden_until ?? (row.state === 'out-of-service' ? out?.until : null)),
  };
}

// The deadline that counts, {at, what: respond or resolve}: to respond until somebody did, then to
// resolve; a ticket that waits or is resolved has none that runs (null).  row: of an alarm;
// ticket: its own.
export function dueOf(row, ticket) {
  const state = ticket?.state ?? row.ticket_state;
  const of = (key) => ms((ticket ?? row)[key]);
  if (state === 'opened' || state === 'assigned') {
    const at = of('respond_by');
    if (at !== null) return {at, what: 'respond'};
  }
  if (state === 'opened' || state === 'assigned' || state === 'responded') {
    const at = of('resolve_by');
    if (at !== null) return {at, what: 'resolve'};
  }
  return null;
}

export const areaOf = (item) => item.area ?? item.location;

// filter: {area, type, team, severity: [..], state, text}; empty: any.
export function fits(item, filter) {
  if (filter.severity.length > 0 && !filter.severity.includes(item.severity)) return false;
  if (filter.area && areaOf(item) !== filter.area) return false;
  if (filter.type && item.type !== filter.type) return false;
  if (filter.team && item.team !== filter.team) return false;
  if (filter.state === 'unacked' && !item.unacked) return false;
  if (filter.state === 'acked' && item.state !== 'active-acked') return false;
  if (filter.state === 'returned' && !item.returned) return false;
  if (!filter.text) return true;
  const all = [item.title, item.name, item.device, item.rule, item.location, item.area, item.type, item.assignee, item.team, item.ticket].join(' ').toLowerCase();
  return filter.text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

const byKey = (a, b) => (a.key < b.key ? -1 : 1);
const byImportance = (a, b) => a.rank - b.rank || (STATE_ORDER[a.state] ?? 3) - (STATE_ORDER[b.state] ?? 3) || a.since - b.since || byKey(a, b);
const COMPARE = {
  importance: byImportance,
  newest: (a, b) => b.since - a.since || byImportance(a, b),
  oldest: (a, b) => a.since - b.since || byImportance(a, b),
  device: (a, b) => a.name.localeCompare(b.name) || byImportance(a, b),
  deadline: (a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity) || byImportance(a, b),
};
// Infinity - Infinity is not a number: neither has a deadline.
export const sorted = (items, sort) => [...items].sort((a, b) => (COMPARE[sort] ?? byImportance)(a, b) || byImportance(a, b));

// What may be one cause of many alarms, the surest first.
const CAUSES = [
  ['group', (i) => (i.group ? `${i.device}/${i.group}` : null)],
  ['suppressed', (i) => i.suppressedBy],
  ['parent', (i) => i.parent],
  ['rule', (i) => i.rule],
  ['device', (i) => i.device],
];

// Sorted items as lines: {key, item, inside} of an alarm, {key, cause, id, items, open} of many.
// A fold stands where its first item would.  `open` has the keys of those that are unfolded.
export function lines(items, open) {
  const at = new Map(); // Item -> its fold.
  for (const [cause, idOf] of CAUSES) {
    const sets = new Map();
    for (const item of items) {
      const id = at.has(item) ? null : idOf(item);
      if (!id) continue;
      if (sets.has(id)) sets.get(id).push(item);
      else sets.set(id, [item]);
    }
    for (const [id, members] of sets) {
      if (members.length <= FOLD_OVER) continue;
      const fold = {key: `${cause}:${id}`, cause, id, items: members, open: open.has(`${cause}:${id}`)};
      for (const item of members) at.set(item, fold);
    }
  }
  const out = [];
  const placed = new Set();
  for (const item of items) {
    const fold = at.get(item);
    if (!fold) {
      out.push({key: item.key, item, inside: false});
    } else if (!placed.has(fold)) {
      placed.add(fold);
      out.push(fold);
      if (fold.open) for (const member of fold.items) out.push({key: member.key, item: member, inside: true});
    }
  }
  return out;
}

export function countBySeverity(items) {
  const counts = {};
  for (const item of items) counts[item.severity] = (counts[item.severity] ?? 0) + 1;
  return counts;
}

// Everything that the list shows.  items: of all alarms.
export function arrange(items, filter, open) {
  const shown = [];
  const hidden = [];
  const left = []; // What the filter keeps back.
  for (const item of items) {
    if (!fits(item, item.hidden && filter.state ? {...filter, state: ''} : filter)) left.push(item);
    else (item.hidden ? hidden : shown).push(item);
  }
  const visible = sorted(shown, filter.sort);
  const behind = sorted(hidden, filter.sort);
  return {visible, hidden: behind, left, lines: lines(visible, open), hiddenLines: lines(behind, open), toAck: visible.filter((i) => i.unacked)};
}

// A flood: more than 10 raised within 10 minutes, until there are fewer than 5.
const FLOOD_MS = 600e3;
export class Flood {
  times = [];
  on = false;
  constructor(times) {
    this.times = times.filter((at) => at !== null).sort((a, b) => a - b);
  }
  raised(at) {
    this.times.push(at);
  }
  count(now) {
    while (this.times.length > 0 && this.times[0] <= now - FLOOD_MS) this.times.shift();
    const n = this.times.length;
    this.on = this.on ? n >= 5 : n > 10;
    return n;
  }
}
