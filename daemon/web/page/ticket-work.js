// What people do to a ticket: each act is a command, asked for in a dialog where words are needed.
import {h, replace} from './dom.js';
import {command, get} from './api.js';
import {personName, session, site} from './site.js';
import {dialog, field, select, toast} from './ui.js';
import {t, word} from './words.js';

export const PRIORITIES = ['critical', 'urgent', 'normal'];
const PAUSES = ['parts', 'contractor', 'access', 'other'];

const act = (cmd, number, fields) => command(`ticket.${cmd}`, {ticket: number, ...fields});

// One that nobody has: the gateway refuses it where somebody took it meanwhile.
export const take = (ticket) => act('take', ticket.number);

// From somebody who has it, and only from whom the dialog names: not from who took it meanwhile.
export function takeOver(ticket) {
  return dialog({
    title: t('Take over ticket {n}', {n: ticket.number}),
    body: [h('p', {}, t('{person} has it now. It will be yours, and no longer theirs.', {person: personName(ticket.assignee)}))],
    accept: t('Take it over'),
    act: async () => {
      const {assignee} = (await get(`tickets/${ticket.number}`)).ticket;
      if (assignee !== ticket.assignee) throw new Error(assignee ? t('Meanwhile {person} has it. Nothing was changed.', {person: personName(assignee)}) : t('Meanwhile nobody has it. Nothing was changed.'));
      return act('take', ticket.number, {assignee: session.user});
    },
  });
}

export const arrive = (ticket) => act('arrive', ticket.number);
export const resume = (ticket) => act('resume', ticket.number);
export const tick = (ticket, step, undone) => act('tick', ticket.number, {step, undone});

const text = (name, label, properties, hint) => field(label, h('textarea', {name, rows: 3, maxlength: 900, ...properties}), hint);

export function wait(ticket) {
  return dialog({
    title: t('What does it wait for?'),
    body: [
      field(t('Reason'), select('pause', PAUSES.map((p) => [p, word('pause', p)]), 'parts')),
      text('note', t('Note'), {}, t('The clock of the repair stands still until it goes on.')),
    ],
    accept: t('Let it wait'),
    act: (data) => act('wait', ticket.number, {pause: data.get('pause'), note: data.get('note') || undefined}),
  });
}

// Rows of parts: name, count, cost; an empty row is none.
function partFields() {
  const rows = h('div', {class: 'parts'});
  const add = () => rows.append(h('div', {class: 'part'},
    h('input', {name: 'part', placeholder: t('Part'), 'aria-label': t('Part'), list: 'part-names'}),
    h('input', {name: 'count', type: 'number', min: 1, max: 1000, value: 1, 'aria-label': t('Count')}),
    h('input', {name: 'part-cost', type: 'number', min: 0, step: '0.01', placeholder: site.currency ?? '', 'aria-label': t('Cost of the parts')})));
  add();
  return h('fieldset', {}, h('legend', {}, t('Parts used')), rows, h('button', {type: 'button', class: 'plain', onclick: add}, t('One more part')));
}

function readWork(data) {
  const work = {};
  const counts = data.getAll('count');
  const costs = data.getAll('part-cost');
  const parts = data.getAll('part').map((name, i) => ({name: name.trim(), count: Number(counts[i]) || 1, ...(costs[i] ? {cost: Number(costs[i])} : null)})).filter((p) => p.name);
  if (data.get('cause')) work.cause = data.get('cause');
  if (data.get('minutes')) work.minutes = Number(data.get('minutes'));
  if (data.get('cost')) work.cost = Number(data.get('cost'));
  if (parts.length > 0) work.parts = parts;
  return work;
}

function workFields(parts) {
  return [
    field(t('Cause'), select('cause', [['', t('choose ...')], ...site.causes.map((c) => [c.code, c.text])], '')),
    h('div', {class: 'two'},
      field(t('Minutes of work'), h('input', {name: 'minutes', type: 'number', min: 0, max: 100000, inputmode: 'numeric'})),
      field(t('Cost ({currency})', {currency: site.currency ?? ''}), h('input', {name: 'cost', type: 'number', min: 0, step: '0.01', inputmode: 'decimal'}))),
    h('datalist', {id: 'part-names'}, (parts ?? []).map((p) => h('option', {value: p.name}))),
    partFields(),
  ];
}

export function resolve(ticket, parts) {
  return dialog({
    title: t('Resolve ticket {n}', {n: ticket.number}),
    body: [text('note', t('What was done'), {required: true, autofocus: true}), ...workFields(parts)],
    accept: t('Resolve'),
    act: (data) => act('resolve', ticket.number, {note: data.get('note'), ...readWork(data)}),
  });
}

export function close(ticket) {
  const watched = ticket.state === 'resolved';
  return dialog({
    title: t('Close ticket {n}', {n: ticket.number}),
    body: [
      watched ? h('p', {}, t('It closes by itself when the sensor has shown that the repair holds. Close it by hand only where there is nothing to watch.')) : null,
      text('note', t('Why'), {autofocus: true}), ...(watched ? [] : workFields()),
    ],
    accept: t('Close the ticket'),
    act: (data) => act('close', ticket.number, {note: data.get('note') || undefined, ...readWork(data)}),
  });
}

export function note(ticket) {
  return dialog({
    title: t('Note on ticket {n}', {n: ticket.number}),
    body: [text('note', t('Note'), {required: true, autofocus: true})],
    accept: t('Add'),
    act: (data) => act('note', ticket.number, {note: data.get('note')}),
  });
}

export function reopen(ticket) {
  return dialog({
    title: t('Reopen ticket {n}', {n: ticket.number}),
    body: [text('note', t('Why'), {required: true, autofocus: true})],
    accept: t('Reopen'),
    act: (data) => act('reopen', ticket.number, {note: data.get('note')}),
  });
}

export function handOver(ticket) {
  const people = site.people.filter((p) => p.id !== ticket.assignee).map((p) => [p.id, p.name]);
  return dialog({
    title: t('Hand over ticket {n}', {n: ticket.number}),
    body: [field(t('To'), select('assignee', people)), text('note', t('Note'))],
    accept: t('Hand over'),
    act: (data) => act('take', ticket.number, {assignee: data.get('assignee'), note: data.get('note') || undefined}),
  });
}

export function change(ticket) {
  return dialog({
    title: t('Change ticket {n}', {n: ticket.number}),
    body: [
      field(t('Priority'), select('priority', PRIORITIES.map((p) => [p, word('severity', p)]), ticket.priority)),
      field(t('Team'), select('team', [['', '–'], ...site.teams.map((team) => [team.id, team.name])], ticket.team ?? '')),
      field(t('Kind of fault'), h('input', {name: 'category', value: ticket.category ?? '', list: 'categories'})),
      h('datalist', {id: 'categories'}, site.categories.map((value) => h('option', {value}))),
      text('note', t('Why')),
    ],
    accept: t('Change'),
    act: (data) => {
      const fields = {note: data.get('note') || undefined};
      if (data.get('priority') !== ticket.priority) fields.priority = data.get('priority');
      if (data.get('team') && data.get('team') !== ticket.team) fields.team = data.get('team');
      if (data.get('category') && data.get('category') !== ticket.category) fields.category = data.get('category');
      return act('change', ticket.number, fields);
    },
  });
}

export function rate(ticket) {
  const stars = [1, 2, 3, 4, 5].map((n) => h('label', {class: 'star'}, h('input', {type: 'radio', name: 'rating', value: n, required: true}), ` ${n}`));
  return dialog({
    title: t('Rate ticket {n}', {n: ticket.number}),
    body: [h('fieldset', {class: 'row'}, h('legend', {}, t('Stars, 5 is best')), stars)],
    accept: t('Rate'),
    act: (data) => act('rate', ticket.number, {rating: Number(data.get('rating'))}),
  });
}

// A fault that somebody saw.  devices: rows with id, name, location.
export function report(devices, chosen) {
  const hint = h('p', {class: 'hint', 'aria-live': 'polite'});
  const find = (value) => devices.find((d) => d.id === value || d.name === value);
  const device = h('input', {name: 'device', list: 'devices', required: true, value: chosen ?? '', autocomplete: 'off', oninput: () => {
    const found = find(device.value.trim());
    replace(hint, found ? [found.name, found.location].filter(Boolean).join(' · ') : '');
  }});
  let number = null;
  device.dispatchEvent(new Event('input')); // What is chosen already is told too.
  return dialog({
    title: t('Report a fault'),
    body: [
      field(t('Device'), device), hint,
      h('datalist', {id: 'devices'}, devices.map((d) => h('option', {value: d.id}, [d.name, d.location].filter(Boolean).join(' · ')))),
      text('symptom', t('What is to be seen'), {required: true, autofocus: Boolean(chosen)}),
      field(t('How urgent'), select('priority', PRIORITIES.map((p) => [p, `${word('severity', p)}: ${urgency(p)}`]), 'normal')),
      field(t('Kind of fault'), h('input', {name: 'category', list: 'categories'})),
      h('datalist', {id: 'categories'}, site.categories.map((value) => h('option', {value}))),
      field(t('Who reports it'), h('input', {name: 'reporter', placeholder: session.name ?? ''})),
    ],
    accept: t('Report a fault'),
    act: async (data) => {
      const found = find(data.get('device').trim());
      const answer = await command('ticket.open', {
        device: found?.id ?? data.get('device').trim(), symptom: data.get('symptom'), priority: data.get('priority'),
        category: data.get('category') || undefined, reporter: data.get('reporter') || undefined,
      });
      number = answer.ticket;
      toast(t('Ticket {n} is open', {n: number}));
    },
  }).then((done) => (done ? number : null));
}

const urgency = (priority) => ({
  critical: t('people in danger'), urgent: t('no water, no power, an elevator stands'), normal: t('everything else'),
}[priority]);
