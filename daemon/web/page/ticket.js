// One ticket: what is to be done next, with what is known, and its whole life.
import {h, keepFocus, replace} from './dom.js';
import {get, url} from './api.js';
import {follow, plant} from './plant.js';
import {may, personName, session, site, teamName} from './site.js';
import {ago, countdown, everySecond, full, moment} from './time.js';
import {arrive, change, close, handOver, note, rate, reopen, resolve, resume, take, takeOver, tick, wait} from './ticket-work.js';
import {photos} from './ticket-photos.js';
import {deadline} from './tickets.js';
import {actButton, failed, nothing, quantity, severityMark, waiting, wide} from './ui.js';
import {inOwnTitle, language, many, t, word} from './words.js';

// The one thing that is next, and the others.
function acts(ticket, pack) {
  const own = ticket.assignee === session.user;
  const all = {
    take: ticket.assignee ? [t('Take it over ...'), () => takeOver(ticket)] : [t('Take it'), () => take(ticket)],
    arrive: [t('I am there'), () => arrive(ticket)],
    resolve: [t('Resolve ...'), () => resolve(ticket, pack.procedure?.parts)],
    wait: [t('Wait ...'), () => wait(ticket)],
    resume: [t('Go on'), () => resume(ticket)],
    note: [t('Note ...'), () => note(ticket)],
    hand: [t('Hand over ...'), () => handOver(ticket)],
    change: [t('Change ...'), () => change(ticket)],
    close: [t('Close ...'), () => close(ticket)],
    reopen: [t('Reopen ...'), () => reopen(ticket)],
    rate: [t('Rate ...'), () => rate(ticket)],
  };
  const names = {
    opened: ['take', 'arrive', 'note', 'change', 'close'],
    assigned: own ? ['arrive', 'wait', 'note', 'hand', 'change', 'close'] : ['take', 'arrive', 'note', 'hand', 'change', 'close'],
    responded: ['resolve', 'wait', 'note', 'hand', 'change', 'close'],
    waiting: ['resume', 'resolve', 'note', 'hand', 'change', 'close'],
    resolved: ['note', 'close', 'reopen'],
    closed: ticket.rating ? ['reopen', 'note'] : ['rate', 'reopen', 'note'],
  }[ticket.state] ?? [];
  return names.map((name) => all[name]);
}

function facts(rows) {
  return h('dl', {class: 'facts'}, rows.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

const money = (amount) => (amount === undefined || amount === null ? null : new Intl.NumberFormat(language(), {style: 'currency', currency: site.currency ?? 'CNY'}).format(amount));

// The unit of an alarm's value: of the alarm while it is known, else of the first point that was
// taken as evidence, which is the rule's.  Null: there is none, as with what is on or off.
function unitOf({device, rule}, pack) {
  const row = plant.alarms.get(`${device}/${rule}`);
  return (row ?? pack.history?.windows?.[0]?.points.find((p) => p.device === device))?.unit ?? null;
}

// What an event of its life says beside who and when.
function told(event, pack) {
  const parts = [];
  if (event.assignee) parts.push(t('to {name}', {name: personName(event.assignee)}));
  if (event.deadline) parts.push(event.deadline === 'respond' ? t('to respond') : t('to repair'));
  if (event.to) parts.push(t('to {name}', {name: personName(event.to)}));
  if (event.pause) parts.push(word('pause', event.pause));
  if (event.proof) parts.push(word('proof', event.proof));
  if (event.step) parts.push(event.undone ? t('step {n} is not done', {n: event.step}) : t('step {n} is done', {n: event.step}));
  if (event.priority && event.event === 'ticket.changed') parts.push(word('severity', event.priority));
  if (event.cause) parts.push(site.causes.find((c) => c.code === event.cause)?.text ?? event.cause);
  if (event.minutes) parts.push(t('{n} minutes', {n: event.minutes}));
  if (event.cost) parts.push(money(event.cost));
  for (const part of event.parts ?? []) parts.push(`${part.name} × ${part.count}`);
  if (event.rating) parts.push(many(event.rating, '{n} star', '{n} stars'));
  if (event.symptom) parts.push(event.symptom);
  const unit = event.value === undefined ? null : unitOf(event, pack);
  // Without a unit 0 and 1 are mostly off and on, which the title says.
  if (unit) parts.push(quantity(event.value, unit));
  else if (typeof event.value === 'number' && event.value !== 0 && event.value !== 1) parts.push(quantity(event.value));
  if (event.note) parts.push(`“${event.note}”`);
  return parts.filter(Boolean).join(', ');
}

function life(pack) {
  return h('ol', {class: 'life'}, [...pack.events].reverse().map((event) => h('li', {},
    h('time', {title: full(event.t)}, moment(event.t)),
    h('span', {}, h('b', {}, word('event', event.event)), event.by ? ` · ${personName(event.by)}` : '', told(event, pack) ? h('span', {class: 'quiet'}, ` – ${told(event, pack)}`) : ''))));
}

function checklist(pack, ticket, act) {
  const procedure = pack.procedure;
  if (!procedure) return null;
  const done = procedure.steps.filter((step) => step.done).length;
  const able = may('technician') && ticket.state !== 'closed';
  return h('section', {class: 'card'},
    h('h2', {}, procedure.title, ' ', h('span', {class: 'quiet'}, `${done}/${procedure.steps.length}`)),
    h('ol', {class: 'steps'}, procedure.steps.map((step) => h('li', {}, h('label', {}, h('input', {
      type: 'checkbox', checked: step.done, disabled: !able,
      dataset: {key: step.step}, onchange: ({target}) => act(() => tick(ticket, step.step, !target.checked).catch((problem) => { target.checked = step.done; throw problem; })),
    }), h('span', {}, step.text))))),
    procedure.parts.length > 0 ? h('p', {}, h('b', {}, t('Take along: ')), procedure.parts.map((part) => `${part.name} × ${part.count}`).join(', ')) : null);
}

function values(pack) {
  const windows = pack.history?.windows ?? [];
  if (windows.length === 0) return null;
  const number = pack.ticket.number;
  return h('section', {class: 'card evidence'}, h('h2', {}, t('What the sensors say')), windows.map((span, i) => {
    const label = t('Values from {from} to {to}', {from: moment(span.from), to: moment(span.to)});
    return [
      wide(label, h('img', {src: url(`tickets/${number}/chart.svg`, {window: i + 1, language: language()}), alt: label, loading: 'lazy'})),
      h('table', {}, h('caption', {}, label), h('thead', {}, h('tr', {}, h('th', {}, t('Point')), h('th', {class: 'number'}, t('Before')), h('th', {class: 'number'}, t('While it stood')), h('th', {class: 'number'}, t('Behind')))),
        h('tbody', {}, span.points.map((p) => h('tr', {}, h('td', {}, `${p.device}.${p.point}`), ['before', 'during', 'after'].map((key) => h('td', {class: 'number'}, range(p[key], p.unit))))))),
    ];
  }));
}

const range = (part, unit) => (part ? `${quantity(part.min)} … ${quantity(part.max)}${unit ? ` ${unit}` : ''}` : '–');

function ruleCard(rule) {
  if (!rule) return null;
  return h('section', {class: 'card'}, h('h2', {}, t('Why it was opened')),
    facts([[t('Likely cause'), rule.cause], [t('What it leads to'), rule.consequence], [t('What to do'), rule.action], [t('Source'), rule.source]]),
    rule.now === 'same' ? null : h('p', {class: 'quiet'}, t('The rule has been changed since, or is gone.')),
    h('details', {}, h('summary', {}, t('The rule as it was')), h('pre', {}, rule.text)),
    h('a', {href: `/rules/${rule.id}`}, rule.id));
}

function past(pack) {
  const rows = [...(pack.episodes?.same ?? []).map((row) => [row, true]), ...(pack.episodes?.like ?? []).map((row) => [row, false])];
  if (rows.length === 0) return null;
  return h('section', {class: 'card'}, h('h2', {}, t('Seen before')), h('ul', {class: 'past'}, rows.map(([row, same]) => h('li', {},
    h('a', {href: `/tickets/${row.number}`}, row.number), ` ${row.title} `,
    h('span', {class: 'quiet'}, [same ? null : row.device, moment(row.opened_at), site.causes.find((c) => c.code === row.cause)?.text, row.resolution, row.first_time_fix === false ? t('it came back') : null].filter(Boolean).join(' · '))))));
}

function head(pack, ticket) {
  const due = deadline(ticket);
  const device = pack.device;
  return [
    h('div', {class: 'row'}, h('a', {class: 'quiet', href: '/tickets'}, t('Tickets')), h('span', {class: 'quiet'}, '›'), h('span', {class: 'quiet'}, ticket.number)),
    h('h1', {}, severityMark(ticket.priority), ' ', ticket.title),
    h('p', {}, ticket.device ? h('a', {href: `/devices/${ticket.device}`}, device?.name ?? ticket.device) : null, device?.location ? ` · ${device.location}` : '', device?.serves ? ` · ${many(device.serves, '{n} home depends on it', '{n} homes depend on it')}` : ''),
    h('p', {class: 'standing'}, h('b', {}, word('ticket_state', ticket.state)), ticket.pause && ticket.state === 'waiting' ? ` (${word('pause', ticket.pause)})` : '',
      ' · ', ticket.assignee ? personName(ticket.assignee) : teamName(ticket.team) || t('nobody yet'),
      due ? [' · ', h('span', {class: 'due', dataset: {due: due.at}}, h('b', {}, countdown(due.at).text), ' ', due.label)] : ''),
    ticket.state === 'resolved' ? h('p', {class: 'watch'}, t('The sensor is watched: {what}. The ticket closes by itself when the repair is proven.', {what: ticket.proof ? word('proof', ticket.proof) : t('being watched')})) : null,
  ];
}

function record(ticket) {
  return h('section', {class: 'card'}, h('h2', {}, t('Record')), facts([
    [t('Kind'), word('ticket_kind', ticket.kind)], [t('Priority'), word('severity', ticket.priority)], [t('Team'), teamName(ticket.team)], [t('Kind of fault'), ticket.category],
    [t('Opened'), `${full(ticket.opened_at)} (${ago(ticket.opened_at)})`], [t('To respond by'), ticket.respond_by && full(ticket.respond_by)], [t('To repair by'), ticket.resolve_by && full(ticket.resolve_by)],
    [t('Responded'), ticket.responded_at && full(ticket.responded_at)], [t('Resolved'), ticket.resolved_at && full(ticket.resolved_at)],
    [t('Verified'), ticket.verified_at && full(ticket.verified_at)], [t('Closed'), ticket.closed_at && full(ticket.closed_at)],
    [t('Reported by'), ticket.reporter && personName(ticket.reporter)], [t('What was seen'), ticket.symptom], [t('What was done'), ticket.resolution],
    [t('Cause'), site.causes.find((c) => c.code === ticket.cause)?.text ?? ticket.cause], [t('Minutes of work'), ticket.minutes], [t('Cost'), money(ticket.cost)],
    [t('Parts used'), ticket.parts?.map((part) => `${part.name} × ${part.count}`).join(', ')], [t('Stars'), ticket.rating],
    [t('Times it came'), ticket.episodes > 1 ? ticket.episodes : null], [t('Times reopened'), ticket.reopened || null],
  ]), h('p', {}, h('a', {href: url(`tickets/${ticket.number}/evidence.html`, {language: language()}), target: '_blank', rel: 'noopener'}, t('All of it on a page to print'))));
}

export async function show(root, {params}) {
  const number = Number(params.number);
  let ended = false;
  let reading = 0;
  let again = null;

  const top = h('div', {class: 'card top-card'});
  const bar = h('div', {class: 'bar', role: 'group', 'aria-label': t('What to do')});
  const foot = h('div', {class: 'foot', role: 'group', 'aria-label': t('What to do')});
  const narrow = matchMedia('(max-width: 760px)');
  const error = h('p', {class: 'error', role: 'alert'});
  const left = h('div', {class: 'column'});
  const right = h('div', {class: 'column'});
  const pictures = photos(encodeURIComponent(params.number));
  root.append(top, bar, error, h('div', {class: 'columns'}, left, right));
  root.after(foot);
  replace(top, waiting());

  // Somebody else may have acted meanwhile: what was refused is said, and read anew.
  async function act(f) {
    replace(error);
    try {
      await f();
    } catch (problem) {
      replace(error, problem.message);
      error.scrollIntoView({block: 'nearest'});
    }
    await read();
  }

  // The next one is for the thumb: on a phone it stands below what scrolls.
  function drawBar(pack) {
    const buttons = may('technician') ? acts(pack.ticket, pack).map(([text, f], i) => actButton(text, () => act(f), {class: i === 0 ? 'primary' : ''})) : [];
    const next = buttons.length > 0 ? h('div', {class: 'next'}, buttons[0]) : null;
    replace(foot, narrow.matches && next);
    replace(bar, !narrow.matches && next, h('div', {class: 'others'}, buttons.slice(1)));
  }

  // What is the same stays: what was unfolded, and pictures, which would be read anew.
  const drawn = new Map();
  function part(name, data, make) {
    const said = JSON.stringify(data ?? null);
    if (drawn.get(name)?.said !== said) drawn.set(name, {said, element: make()});
    return drawn.get(name).element;
  }
  function put(column, ...elements) {
    const wanted = elements.filter(Boolean);
    if (wanted.length !== column.children.length || wanted.some((e, i) => e !== column.children[i])) replace(column, wanted);
  }

  function draw(pack) {
    const {ticket} = pack;
    replace(top, head(pack, ticket));
    pictures.able = may('technician') && ticket.state !== 'closed';
    put(left, part('checklist', [pack.procedure, ticket.state], () => checklist(pack, ticket, act)), pictures.element, part('values', pack.history, () => values(pack)), part('rule', pack.rule, () => ruleCard(pack.rule)));
    put(right, part('record', ticket, () => record(ticket)), part('past', pack.episodes, () => past(pack)),
      part('life', pack.events, () => h('section', {class: 'card'}, h('h2', {}, t('Its life')), pack.events.length ? life(pack) : nothing(t('Nothing yet.')))));
  }

  async function read() {
    const mine = ++reading;
    try {
      const pack = await get(`tickets/${encodeURIComponent(params.number)}`);
      if (ended || mine !== reading) return;
      inOwnTitle(pack.ticket);
      for (const rows of Object.values(pack.episodes ?? {})) rows.forEach(inOwnTitle);
      keepFocus(root.parentElement, () => drawBar(pack), () => root.parentElement.querySelector('.next button'));
      keepFocus(root, () => draw(pack));
    } catch (problem) {
      if (!ended && mine === reading) replace(top, failed(problem, read), h('p', {}, h('a', {href: '/tickets'}, t('Tickets'))));
    }
  }

  const turned = () => read();
  narrow.addEventListener('change', turned);
  const ends = [
    () => narrow.removeEventListener('change', turned), () => foot.remove(),
    follow((changed) => {
      if (changed.kind === 'all' || (changed.kind === 'event' && changed.event.ticket === number)) {
        clearTimeout(again);
        again = setTimeout(read, 150);
        if (changed.kind === 'event' && changed.event.event === 'ticket.photographed') pictures.read();
      }
    }),
    everySecond(() => {
      const due = top.querySelector('[data-due]');
      if (!due) return;
      const {text, late} = countdown(Number(due.dataset.due));
      due.querySelector('b').textContent = text;
      due.classList.toggle('late', late);
    }),
  ];
  await Promise.all([read(), pictures.read()]);
  return {title: t('Ticket {n}', {n: number}), close: () => { ended = true; clearTimeout(again); ends.forEach((end) => end()); pictures.close(); }};
}
