// All that is known of one alarm, beside the list: what to do, why it is there, where to go on.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {explained} from './explained.js';
import {limitOf} from './alarmlimit.js';
import {actButtons, placeText, stateText} from './alarmrow.js';
import {untilText} from './alarmact.js';
import {personName, teamName} from './site.js';
import {countdown, duration, full, moment, now, steady} from './time.js';
import {failed, icon, quantity, severityMark, waiting} from './ui.js';
import {t, word} from './words.js';

const ASK_EACH_MS = 15000;
const TREND_AFTER_MS = 300;
let procedures = null; // All of them, asked for once: a promise.

const fact = (name, value) => (value === null || value === undefined || value === '' ? null : [h('dt', {}, name), h('dd', {}, value)]);

// The panel in `root`; owner: {act(name, item, button), leave()}.
export class Detail {
  item = null;
  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.head = h('div', {class: 'detail-head'});
    this.facts = h('dl', {class: 'facts'});
    this.advice = h('div', {class: 'advice'});
    this.why = h('div', {class: 'why'});
    this.trend = h('div', {class: 'trend'});
    this.asked = 0;
  }

  open(item) {
    const other = this.item?.key !== item.key || this.item.row.episode !== item.row.episode;
    const moved = other || this.item.state !== item.state || this.item.severity !== item.severity;
    const ticketed = other || this.item.ticket !== item.ticket;
    this.item = item;
    if (other) {
      this.from?.abort();
      this.endTrend();
      this.from = new AbortController();
      replace(this.root, this.head, this.facts, this.advice, this.trend, h('section', {}, h('h3', {}, t('Why')), this.why), this.links());
      replace(this.advice);
      replace(this.why, waiting());
    }
    this.root.hidden = false;
    this.draw();
    if (ticketed) this.readAdvice(item);
    if (moved) this.ask();
  }

  close() {
    this.from?.abort();
    this.endTrend();
    this.item = null;
    this.root.hidden = true;
    this.root.textContent = '';
  }

  buttons() {
    const buttons = actButtons(this.item);
    for (const one of buttons) {
      one.tabIndex = 0;
      one.addEventListener('click', () => this.owner.act(one.dataset.act, this.item, one));
    }
    return buttons;
  }

  links() {
    const {item} = this;
    const id = encodeURIComponent(item.device);
    return h('p', {class: 'row links'}, h('a', {class: 'button', href: `/devices/${id}`}, icon('plug'), t('Device')),
      item.ticket ? h('a', {class: 'button', href: `/tickets/${item.ticket}`}, icon('ticket'), t('Ticket {n}', {n: item.ticket})) : null,
      h('a', {class: 'button', href: `/rules/${encodeURIComponent(item.rule)}?device=${id}`}, icon('rule'), t('Rule')));
  }

  draw() {
    const {item, owner} = this;
    const limit = limitOf(item, () => this.item && this.draw());
    const said = [item.key, item.state, item.severity, item.title, item.ticket].join('\n');
    if (this.head.dataset.said !== said) {
      this.head.dataset.said = said;
      replace(this.head, h('div', {class: 'row'}, severityMark(item.severity), h('b', {}, word('severity', item.severity)), h('span', {}, stateText(item)),
        h('button', {type: 'button', class: 'plain close', 'aria-label': t('Close'), onclick: () => owner.leave()}, icon('close'))),
      h('h2', {id: 'detail-title', tabindex: -1}, item.title), h('div', {class: 'row detail-acts'}, this.buttons()));
      if (this.root.lastElementChild?.matches('.links')) this.root.lastElementChild.replaceWith(this.links());
    }
    if (limit?.point) this.setTrend(item.device, limit.point);
    const {row} = item;
    const plain = !limit || limit.plain;
    this.age = new Text(duration(now() - item.since));
    this.due = item.dueAt === null ? null : new Text(countdown(item.dueAt).text);
    replace(this.facts,
      fact(t('Device'), item.name), fact(t('Place'), placeText(item)),
      fact(t('Value when raised'), row.value !== null && plain ? quantity(row.value, item.unit ?? limit?.unit) : null),
      fact(t('Limit'), limit?.limit), fact(t('Since'), [full(item.since), ' (', this.age, ')']),
      fact(t('Cleared at'), row.cleared_at ? full(row.cleared_at) : null),
      fact(t('Acknowledged'), row.acked_at ? `${personName(row.acked_by)}, ${moment(row.acked_at)}` : null),
      fact(t('Hidden by'), item.hidden ? (item.state === 'suppressed' ? item.hiddenBy : personName(item.hiddenBy)) : null),
      fact(t('Reason'), item.hidden ? item.hiddenWhy : null), fact(t('Until'), item.hidden && item.state !== 'suppressed' ? untilText(item.hiddenUntil) : null),
      fact(t('Who has it'), item.assignee ? personName(item.assignee) : null), fact(t('Team'), item.team ? teamName(item.team) : null),
      fact(item.dueFor === 'respond' ? t('To respond by') : t('To repair by'), item.dueAt === null ? null : [full(item.dueAt), ' (', this.due, ')']),
      fact(t('Episode'), row.episode > 1 ? String(row.episode) : null));
  }

  tick() {
    if (!this.item) return;
    if (this.age) this.age.data = duration(now() - this.item.since);
    if (this.due) this.due.data = countdown(this.item.dueAt).text;
    if (steady() - this.asked > ASK_EACH_MS && !document.hidden) this.ask();
  }

  // The curve of the point that the rule looks at, from before the alarm on.  Who goes through
  // the list by key does not load one for each.
  setTrend(device, point) {
    const [from, name] = point.includes('.') ? point.split('.') : [device, point];
    const {trend, item} = this;
    if (trend.dataset.device === from && trend.dataset.point === name && trend.dataset.since === String(item.since)) return;
    this.endTrend();
    Object.assign(trend.dataset, {device: from, point: name, since: item.since});
    this.trendWait = setTimeout(() => this.drawTrend(from, name), TREND_AFTER_MS);
  }

  endTrend() {
    clearTimeout(this.trendWait);
    this.chart?.close();
    this.chart = null;
    this.trend.textContent = '';
    for (const key of ['device', 'point', 'since']) delete this.trend.dataset[key];
  }

  async drawTrend(device, point) {
    const {trend: root, item} = this;
    const place = h('div', {});
    replace(root, h('h3', {}, t('Trend of {point}', {point})), place);
    try {
      const {trend} = await import('./chart.js');
      const before = Math.max(600e3, 0.15 * (now() - item.since));
      const chart = await trend(place, {device, points: [point], from: Math.min(now() - 3600e3, item.since - before), to: now(), small: true});
      if (this.item && place.isConnected) this.chart = chart;
      else chart.close(); // Another one was chosen meanwhile.
    } catch (problem) {
      if (place.isConnected) replace(place, failed(problem, () => this.drawTrend(device, point)));
    }
  }

  async ask() {
    const {item} = this;
    const {signal} = this.from;
    this.asked = steady();
    try {
      const said = await get('explain', {rule: item.rule, device: item.device}, {signal});
      if (this.item?.key === item.key) replace(this.why, explained(said));
    } catch (problem) {
      if (!signal.aborted && this.item?.key === item.key) replace(this.why, failed(problem, () => this.ask()));
    }
  }

  // Cause, consequence, action and steps: the row and the site have them, or else its ticket.
  async readAdvice(item) {
    const {row} = item;
    const {signal} = this.from;
    const here = () => !signal.aborted && this.item?.key === item.key;
    try {
      const said = row.cause !== undefined || !item.ticket ? {rule: row, procedure: await procedureOf(row.procedure)} : await get(`tickets/${item.ticket}`, null, {signal});
      if (here()) this.showAdvice(said.rule ?? {}, said.procedure);
    } catch (problem) {
      if (!here()) return;
      this.showAdvice(row, null);
      this.advice.append(failed(problem, () => this.readAdvice(item)));
    }
  }

  showAdvice({cause, consequence, action}, procedure) {
    const part = (title, text) => (text ? [h('h3', {}, title), h('p', {}, text)] : null);
    replace(this.advice, part(t('What to do'), action), part(t('Likely cause'), cause), part(t('What it leads to'), consequence),
      procedure ? [h('h3', {}, t('Procedure')), h('p', {}, procedure.title ?? procedure.id), procedure.steps?.length ? h('ol', {}, procedure.steps.map((step) => h('li', {class: step.done ? 'done' : ''}, step.text ?? step))) : null] : null);
  }
}

async function procedureOf(id) {
  if (!id) return null;
  procedures ??= get('procedures');
  try {
    return (await procedures).find((procedure) => procedure.id === id) ?? {id};
  } catch (problem) {
    procedures = null; // To be asked again.
    throw problem;
  }
}
