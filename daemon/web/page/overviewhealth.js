// How the gateway and its buses are: asked every ten seconds while somebody looks.
import {h, replace, sync} from './dom.js';
import {get} from './api.js';
import {clock, duration, now, steady} from './time.js';
import {quantity, severityMark} from './ui.js';
import {many, t, word} from './words.js';

const EACH_MS = 10000;
const LOAD_HIGH = 80; // % of a bus's time; above it there is no room for retries.

// Good is grey; what is not is a word in the colour of bad.
const said = (text, bad) => h('span', {class: bad ? 'bad strong' : ''}, text);
const row = (name, value) => [h('dt', {}, name), h('dd', {}, value)];

export class Health {
  alarms = new Map();
  asked = 0;
  answered = null; // When (ms of the gateway).
  problem = null;

  constructor() {
    this.buses = h('tbody', {});
    this.table = h('table', {}, h('thead', {}, h('tr', {}, [t('Bus'), t('State'), t('Load'), t('Errors'), t('Set aside')].map((text, i) => h('th', {scope: 'col', class: i > 1 ? 'number' : ''}, text)))), this.buses);
    this.facts = h('dl', {class: 'facts'});
    this.note = h('p', {class: 'quiet', role: 'status'});
    this.gatewayHead = h('h2', {}, t('Gateway'));
    this.element = h('div', {class: 'health'}, h('section', {class: 'card buses'}, h('h2', {}, t('Buses')), this.table), h('section', {class: 'card'}, this.gatewayHead, this.facts, this.note));
    this.ask();
  }

  close() {
    this.closed = true;
  }

  // byDevice: device -> its alarms, the most important first.
  setAlarms(byDevice) {
    this.alarms = byDevice;
    this.draw();
  }

  tick() {
    if (steady() - this.asked >= EACH_MS && !document.hidden) this.ask();
  }

  async ask() {
    this.asked = steady();
    try {
      const [status, gateway] = await Promise.all([get('status'), get('devices', {device: 'gateway', points: 1})]);
      this.status = status;
      this.points = gateway[0]?.points ?? {};
      this.answered = now();
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
    if (!this.closed) this.draw();
  }

  draw() {
    replace(this.note, this.problem ? `${this.problem.message} ${this.answered ? t('As of {time}.', {time: clock(this.answered)}) : ''}` : '');
    if (!this.status) return;
    sync(this.buses, this.status.buses ?? [], (bus) => bus.id, (bus) => {
      const tr = h('tr', {});
      this.drawBus(tr, bus);
      return tr;
    }, (tr, bus) => this.drawBus(tr, bus));
    this.drawGateway();
  }

  mark(device) {
    const worst = (this.alarms.get(device) ?? []).find((a) => !a.hidden);
    return worst ? severityMark(worst.severity, true) : null;
  }

  drawBus(tr, bus) {
    const rate = bus.requests > 0 ? (100 * bus.errors) / bus.requests : 0;
    replace(tr, h('th', {scope: 'row'}, h('a', {href: `/devices/${encodeURIComponent(bus.id)}`}, this.mark(bus.id), ' ', bus.id)),
      h('td', {}, said(word('device', bus.online ? 'online' : 'offline'), !bus.online)),
      h('td', {class: 'number'}, h('meter', {min: 0, max: 100, high: LOAD_HIGH, value: Math.min(100, bus.load ?? 0), 'aria-label': t('Load')}), ' ', said(quantity(Math.round((bus.load ?? 0) * 10) / 10, '%'), bus.load > LOAD_HIGH)),
      h('td', {class: 'number'}, h('span', {title: t('{errors} of {requests} requests', {errors: bus.errors, requests: bus.requests})}, said(quantity(Number(rate.toPrecision(2)), '%'), rate > 5))),
      h('td', {class: 'number'}, said(bus.quarantined ? many(bus.quarantined, '{n} device', '{n} devices') : '–', bus.quarantined > 0)));
  }

  drawGateway() {
    const {status, points} = this;
    const value = (name) => points[name]?.value;
    const disk = value('disk_free');
    const {history = {}, mqtt = {}} = status;
    const outbox = mqtt.outbox ?? value('outbox_depth') ?? 0;
    const text = JSON.stringify([status, points]).replace(/"(time|last_good|uptime_s|seq)":[^,}]*/g, '');
    const trouble = [history.failing ? t('cannot be written') : null, history.full ? t('disk full') : null, history.damaged ? t('{n} damaged parts', {n: history.damaged}) : null, history.dropped ? t('{n} samples lost', {n: history.dropped}) : null].filter(Boolean);
    replace(this.gatewayHead, this.mark('gateway'), ' ', h('a', {href: '/devices/gateway'}, t('Gateway')));
    if (this.facts.dataset.said === text) return;
    this.facts.dataset.said = text;
    replace(this.facts,
      row(t('Daemon'), said(status.daemon === 'running' ? t('running for {time}', {time: duration((status.uptime_s ?? 0) * 1000)}) : status.daemon, status.daemon !== 'running')),
      row(t('Clock'), said(status.clock_trusted ? t('trusted') : t('not trusted yet'), !status.clock_trusted)),
      disk === undefined || disk === null ? null : row(t('Disk'), said(t('{size} free', {size: disk > 1000 ? quantity(Math.round(disk / 100) / 10, 'GB') : quantity(Math.round(disk), 'MB')}), status.disk_failing || disk < 100)),
      row(t('Memory'), quantity(status.memory_mb, 'MB')),
      row(t('History'), trouble.length > 0 ? said(trouble.join(', '), true) : said(t('in order'), false)),
      row(t('Messages'), !mqtt.enabled ? t('no broker set') : said(mqtt.connected === false ? t('broker not reached, {n} wait', {n: outbox}) : outbox > 0 ? t('{n} wait', {n: outbox}) : t('all sent'), mqtt.connected === false)),
      row(t('Version'), status.version));
  }
}
