// One line of the alarm list: an alarm, or many of one cause.  A line is made once; an update
// writes only the cells whose words have changed, so that the focus stays where it is.
import {h, replace} from './dom.js';
import {limitOf} from './alarmlimit.js';
import {SEVERITIES, areaOf, countBySeverity} from './alarmlist.js';
import {untilText} from './alarmact.js';
import {areaName, deviceName} from './estate.js';
import {may, personName, teamName} from './site.js';
import {countdown, duration, full, moment, now} from './time.js';
import {icon, quantity, severityMark} from './ui.js';
import {t, word} from './words.js';

// What a state is called in the list; the catalogue's words are those of listings.
export function stateText(item) {
  if (item.state === 'active') return t('Not acknowledged');
  if (item.state === 'cleared') return t('Cleared, not acknowledged');
  if (item.state === 'active-acked') return t('Acknowledged');
  if (item.state === 'shelved') return t('Shelved');
  if (item.state === 'suppressed') return t('Suppressed');
  return item.state === 'out-of-service' ? t('Out of service') : word('alarm_state', item.state);
}

export const placeText = (item) => [item.location, areaOf(item) && areaOf(item) !== item.location ? areaName(areaOf(item)) : null].filter(Boolean).join(' · ');

const label = (text) => h('span', {class: 'vh'}, `${text}: `);

// Writes a cell when `said` differs from what it says already.
function cell(element, name, said, make) {
  const box = element.cells[name];
  if (box.said === said) return;
  box.said = said;
  const had = box.contains(document.activeElement);
  replace(box, make());
  if (had) element.focus({preventScroll: true});
}

function box(element, name, tag = 'div') {
  element.cells[name] = h(tag, {class: `c-${name}`});
  return element.cells[name];
}

function button(act, text, iconName, properties) {
  return h('button', {type: 'button', 'data-act': act, tabindex: -1, ...properties}, icon(iconName), h('span', {}, text));
}

// ---- An alarm ----

export function makeAlarm(line, told) {
  const element = h('li', {class: 'alarm', tabindex: -1});
  element.cells = {};
  element.age = new Text();
  element.due = new Text();
  element.told = told;
  element.append(box(element, 'severity'), box(element, 'what'), box(element, 'value'), box(element, 'since'), box(element, 'who'), box(element, 'due'), box(element, 'acts'));
  updateAlarm(element, line);
  return element;
}

export function updateAlarm(element, line) {
  const {item} = line;
  const limit = limitOf(item, element.told);
  element.classList.toggle('inside', line.inside);
  if (element.item === item && element.limit === limit) return;
  element.item = item;
  element.limit = limit;
  element.className = `alarm sev-line-${item.severity} is-${item.state}${item.unacked && !item.hidden ? ' fresh' : ''}${line.inside ? ' inside' : ''}`;
  cell(element, 'severity', item.severity, () => [severityMark(item.severity), h('span', {class: 'sev-name'}, word('severity', item.severity))]);
  what(element, item);
  value(element, item, limit);
  who(element, item);
  cell(element, 'since', `${item.since} ${item.state} ${item.row.cleared_at}`, () => [label(t('Since')), h('time', {title: full(item.since)}, element.age),
    item.returned ? h('span', {class: 'fine'}, t('cleared {time}', {time: moment(item.row.cleared_at)})) : h('span', {class: 'fine'}, moment(item.since))]);
  due(element, item);
  acts(element, item);
  tickAlarm(element);
}

function what(element, item) {
  const place = placeText(item);
  const chips = [item.hidden || item.state === 'active' ? null : stateText(item), item.chattering ? t('Chattering') : null, item.firstOut ? t('First of its group') : null,
    item.latched ? t('Latched') : null].filter(Boolean);
  cell(element, 'what', [item.title, item.name, place, ...chips].join('\n'), () => [
    h('button', {type: 'button', class: 'title', 'data-act': 'detail', title: t('Details'), tabindex: element.tabIndex}, item.title),
    h('span', {class: 'where'}, h('a', {href: `/devices/${encodeURIComponent(item.device)}`, tabindex: -1}, item.name), place ? h('span', {class: 'place'}, place) : null,
      chips.map((text) => h('span', {class: 'chip'}, text)))]);
}

function value(element, item, limit) {
  const hasValue = item.value !== null && item.value !== undefined && (!limit || limit.plain);
  const said = hasValue ? quantity(item.value, item.unit ?? limit?.unit) : '';
  const against = limit?.limit ?? '';
  cell(element, 'value', `${said}\n${against}`, () => (said || against ? [
    said ? [label(t('Value')), h('b', {}, said)] : null,
    against ? [label(t('Limit')), h('span', {class: 'fine limit', title: against}, against)] : null] : []));
}

function who(element, item) {
  if (item.hidden) {
    const by = item.hiddenBy ? (item.state === 'suppressed' ? causeName(item.hiddenBy) : personName(item.hiddenBy)) : '';
    cell(element, 'who', ['hidden', item.state, by, item.hiddenWhy].join('\n'), () => [h('span', {}, stateText(item), by ? ` – ${by}` : ''), item.hiddenWhy ? h('span', {class: 'fine'}, item.hiddenWhy) : null]);
    return;
  }
  const name = item.assignee ? personName(item.assignee) : item.team ? teamName(item.team) : '';
  const acked = item.state === 'active-acked' && item.row.acked_by ? personName(item.row.acked_by) : '';
  cell(element, 'who', [name, item.ticket, item.ticketState, acked].join('\n'), () => [
    name ? [label(t('Who has it')), h('span', {}, name)] : item.ticket ? h('span', {class: 'quiet'}, t('nobody yet')) : null,
    item.ticket ? h('a', {class: 'fine', href: `/tickets/${item.ticket}`, tabindex: -1}, t('Ticket {n}', {n: item.ticket}), item.ticketState ? h('span', {class: 'ticket-state'}, ` · ${word('ticket_state', item.ticketState)}`) : null)
      : acked ? h('span', {class: 'fine'}, t('acknowledged by {name}', {name: acked})) : null]);
}

// DEVICE/RULE or DEVICE.
const causeName = (cause) => {
  const [device, rule] = cause.split('/');
  return rule ? `${deviceName(device)} (${rule})` : deviceName(device);
};

function due(element, item) {
  if (item.hidden) {
    cell(element, 'due', `until ${item.hiddenUntil} ${item.state}`, () => (item.state === 'suppressed' ? h('span', {class: 'fine'}, t('while its cause stands'))
      : [h('span', {}, untilText(item.hiddenUntil)), item.hiddenUntil ? h('span', {class: 'fine'}, element.due) : null]));
    return;
  }
  const waits = item.ticketState === 'waiting' || item.ticketState === 'resolved' ? word('ticket_state', item.ticketState) : '';
  cell(element, 'due', `${item.dueAt} ${item.dueFor} ${waits}`, () => (item.dueAt === null ? (waits ? h('span', {class: 'fine'}, waits) : [])
    : [h('span', {class: 'left', title: full(item.dueAt)}, element.due), h('span', {class: 'fine'}, item.dueFor === 'respond' ? t('to respond') : t('to repair'))]));
}

// The buttons that fit the state of an alarm and the role of who looks.
export function actButtons(item) {
  const out = [];
  const add = (act, text, iconName, properties) => out.push(button(act, text, iconName, {'aria-label': `${text}: ${item.title}`, title: text, ...properties}));
  if (item.unacked && may('technician')) add('ack', t('Acknowledge'), 'check', {class: 'ack'});
  if (!item.hidden && may('technician')) add('shelve', t('Shelve'), 'clock', {class: 'second'});
  if (!item.hidden && may('engineer')) add('service', t('Device out of service'), 'wrench', {class: 'second'});
  if (item.state === 'shelved' && may('technician')) add('unshelve', t('Put back'), 'eye');
  if (item.state === 'out-of-service' && may('engineer')) add('service-in', t('Back in service'), 'plug');
  return out;
}

function acts(element, item) {
  cell(element, 'acts', `${item.state} ${item.title}`, () => {
    const buttons = actButtons(item);
    for (const one of buttons) one.tabIndex = element.tabIndex;
    return item.unacked && !may('technician') ? [h('span', {class: 'fine'}, stateText(item)), buttons] : buttons;
  });
}

const write = (text, said) => {
  if (text.data !== said) text.data = said;
};

// What time changes: called each second.
function tickAlarm(element) {
  const {item} = element;
  write(element.age, duration(now() - item.since));
  if (item.hidden) {
    if (item.hiddenUntil) write(element.due, countdown(item.hiddenUntil).text);
  } else if (item.dueAt !== null) {
    const left = countdown(item.dueAt);
    write(element.due, left.text);
    if (element.late !== left.late) {
      element.late = left.late;
      element.cells.due.classList.toggle('late', left.late);
    }
  } else if (element.late) {
    element.late = false;
    element.cells.due.classList.remove('late');
  }
}

// ---- Many of one cause ----

export function makeFold(line) {
  const element = h('li', {class: 'fold', tabindex: -1});
  element.cells = {};
  element.age = new Text();
  element.append(box(element, 'severity'), box(element, 'what'), box(element, 'counts'), box(element, 'since'), box(element, 'acts'));
  updateFold(element, line);
  return element;
}

export function foldText(line) {
  const n = line.items.length;
  const first = line.items[0];
  if (line.cause === 'suppressed') return t('{n} alarms because of {cause}', {n, cause: causeName(line.id)});
  if (line.cause === 'parent') return t('{n} alarms behind {device}', {n, device: deviceName(line.id)});
  if (line.cause === 'group') return t('{n} alarms of {device}, group {group}', {n, device: first.name, group: first.group});
  if (line.cause === 'device') return t('{n} alarms of {device}', {n, device: first.name});
  return t('{title}, and {n} more of the rule {rule}', {title: first.title, n: n - 1, rule: line.id});
}

export function updateFold(element, line) {
  element.line = line;
  const counts = countBySeverity(line.items);
  const worst = SEVERITIES.find((s) => counts[s]);
  const fresh = line.items.filter((item) => item.unacked && !item.hidden).length;
  element.oldest = Math.min(...line.items.map((item) => item.since));
  element.className = `fold sev-line-${worst}${fresh > 0 ? ' fresh' : ''}${line.open ? ' open' : ''}`;
  cell(element, 'severity', worst, () => [severityMark(worst), h('span', {class: 'sev-name'}, word('severity', worst))]);
  const names = [...new Set(line.items.map((item) => item.name))].sort((a, b) => a.localeCompare(b, undefined, {numeric: true}));
  cell(element, 'what', `${foldText(line)}\n${names.join('\n')}`, () => [h('span', {class: 'title'}, foldText(line)), h('span', {class: 'where'}, names.slice(0, 12).join(', '), names.length > 12 ? ' ...' : '')]);
  cell(element, 'counts', JSON.stringify([counts, fresh]), () => [SEVERITIES.filter((s) => counts[s]).map((s) => h('span', {class: 'row'}, severityMark(s, true), counts[s])),
    fresh > 0 ? h('span', {class: 'fine'}, t('{n} not acknowledged', {n: fresh})) : null]);
  cell(element, 'since', String(element.oldest), () => [label(t('Since')), h('time', {title: full(element.oldest)}, element.age), h('span', {class: 'fine'}, t('the oldest'))]);
  cell(element, 'acts', `${line.open} ${fresh > 0} ${may('technician')}`, () => {
    const out = [h('button', {type: 'button', 'data-act': 'unfold', tabindex: element.tabIndex, 'aria-expanded': String(line.open)}, line.open ? t('Fold') : t('Unfold'))];
    if (fresh > 0 && may('technician')) out.unshift(button('ack', t('Acknowledge all'), 'check', {class: 'ack'}));
    return out;
  });
  tick(element);
}

export function tick(element) {
  if (element.item) tickAlarm(element);
  else if (element.line) write(element.age, duration(now() - element.oldest));
}

// Only the chosen line takes part in the order of the Tab key.
export function choose(element, chosen) {
  element.tabIndex = chosen ? 0 : -1;
  if (chosen) element.setAttribute('aria-current', 'true');
  else element.removeAttribute('aria-current');
  for (const one of element.querySelectorAll('a, button')) one.tabIndex = element.tabIndex;
}
