// The alarm list: what stands, the worst first; what is hidden, one click away.
import {drawLater, h, replace, sync} from './dom.js';
import {acknowledge, backInService, outOfService, shelve, unshelve, untilText} from './alarmact.js';
import {Detail} from './alarmdetail.js';
import {FilterBar, isNarrow, readFilter} from './alarmfilter.js';
import {forgetLimits} from './alarmlimit.js';
import {Flood, SEVERITIES, arrange, countBySeverity, itemOf} from './alarmlist.js';
import * as rows from './alarmrow.js';
import {Pages} from './alarmwall.js';
import {setSound, soundOn, soundState, watchSound} from './annunciator.js';
import {go} from './app.js';
import {deviceName, estate, watchEstate} from './estate.js';
import {follow, plant} from './plant.js';
import {may, personName} from './site.js';
import {everySecond, ms, now} from './time.js';
import {dialog, icon, nothing, severityMark, toast, waiting} from './ui.js';
import {many, t, word} from './words.js';

const unfolded = new Set(); // Kept while the page is open.
const isWall = () => document.documentElement.classList.contains('wall');

class Alarms {
  items = new Map(); // Key -> item.
  made = new Map(); // Key -> [row, device, ticket, out], from which the item was made.
  chosen = null; // The key of the chosen line.
  drawing = false;
  ends = [];

  constructor(root, query) {
    this.root = root;
    this.filter = readFilter(query);
    this.wanted = query.get('alarm');
    this.bar = new FilterBar(this.filter, () => this.draw());
    this.flood = new Flood([]);
    this.counts = h('p', {class: 'counts'});
    this.floodLine = h('p', {class: 'flood', role: 'status', hidden: true});
    this.news = h('div', {class: 'vh', role: 'status', 'aria-live': 'polite'});
    this.sound = h('button', {type: 'button', class: 'sound', onclick: () => setSound(!soundOn())});
    this.ackAll = h('button', {type: 'button', class: 'ack-all', hidden: true, onclick: () => this.acknowledgeAll()});
    this.list = h('ol', {class: 'alarms', 'aria-label': t('Alarms')});
    this.calm = h('div', {class: 'calm', role: 'status'}, waiting());
    this.hiddenList = h('ol', {class: 'alarms hidden-ones', 'aria-label': t('Hidden alarms')});
    this.service = h('ul', {class: 'service'});
    this.hiddenHead = h('summary', {});
    this.hidden = h('details', {class: 'hidden-part', open: query.has('hidden')}, this.hiddenHead, this.hiddenList, this.service);
    this.panel = h('aside', {class: 'detail card', 'aria-labelledby': 'detail-title', hidden: true});
    this.detail = new Detail(this.panel, {leave: () => this.leaveDetail(), act: (name, item, button) => this.act(name, {item}, button)});
    this.pages = new Pages(this.list, h('p', {class: 'page-number', role: 'status', hidden: true}));
    replace(root, h('div', {class: 'alarms-head'}, h('h1', {}, t('Alarms')), this.counts,
      h('div', {class: 'row head-tools'}, this.ackAll, this.sound, h('button', {type: 'button', class: 'help', title: t('Keys'), 'aria-label': t('Keys'), onclick: help}, '?'))),
    this.floodLine, this.bar.element, this.bar.sign, this.news,
    h('div', {class: 'alarms-body'}, h('div', {class: 'alarms-main'}, this.list, this.calm, this.pages.sign, this.hidden), this.panel));
    for (const role of ['technician', 'engineer']) root.classList.toggle(role, may(role));
    this.drawSound();
    this.listen();
  }

  listen() {
    const {list, hiddenList} = this;
    for (const one of [list, hiddenList]) {
      one.addEventListener('click', (e) => this.clicked(e));
      one.addEventListener('focusin', (e) => this.choose(e.target.closest('li')?.dataset.key, false));
    }
    const keys = (e) => this.key(e);
    document.addEventListener('keydown', keys);
    this.ends.push(() => document.removeEventListener('keydown', keys), follow((change) => this.changed(change)), watchEstate(() => drawLater(this)),
      watchSound(() => this.drawSound()), everySecond(() => this.tick()), () => this.detail.close(), () => this.pages.close());
    this.begin();
  }

  close() {
    this.closed = true;
    for (const end of this.ends) end();
  }

  // ---- What is known ----

  begin() {
    this.flood = new Flood([...plant.alarms.values()].map((row) => ms(row.raised_at)).filter((at) => at !== null && at > now() - 600e3));
    this.draw();
    this.showWanted();
  }

  changed(change) {
    if (change.kind === 'all') {
      forgetLimits();
      this.begin();
      return;
    }
    if (change.kind === 'event' && change.event.event === 'alarm.raised') {
      this.flood.raised(ms(change.event.t));
      this.tell(change);
    }
    drawLater(this);
  }

  // A screen reader is told of what cannot wait.
  tell({alarm}) {
    if (alarm && alarm.state === 'active' && (alarm.severity === 'critical' || alarm.severity === 'urgent')) this.news.textContent = `${word('severity', alarm.severity)}: ${alarm.title}`;
  }

  // Items of rows that did not change are the same objects as before.
  collect() {
    const items = new Map();
    for (const [key, row] of plant.alarms) {
      const from = [row, estate.devices.get(row.device), plant.tickets.get(row.ticket), estate.out.get(row.device)];
      const old = this.made.get(key);
      const same = old && from.every((part, i) => part === old[i]) && this.items.has(key);
      items.set(key, same ? this.items.get(key) : itemOf(...from));
      if (!same) this.made.set(key, from);
    }
    for (const key of this.made.keys()) if (!items.has(key)) this.made.delete(key);
    this.items = items;
    return [...items.values()];
  }

  // ---- What is shown ----

  draw() {
    const all = this.collect();
    const wall = isWall();
    this.now = arrange(all, wall ? {...this.filter, sort: 'importance'} : this.filter, wall ? new Set() : unfolded);
    const focused = this.list.contains(document.activeElement) || this.hiddenList.contains(document.activeElement);
    const inList = focused && !document.activeElement.matches('button');
    const index = this.order().indexOf(this.chosen);
    this.put(this.list, this.now.lines);
    this.put(this.hiddenList, this.now.hiddenLines);
    this.drawCalm(all);
    this.drawHidden(all);
    this.bar.setChoices(all);
    this.bar.setSign(this.now.left);
    this.drawHead(all);
    this.keepChoice(index, focused && (inList || document.activeElement === document.body));
    this.pages.measure();
    if (this.detail.item) {
      const item = this.items.get(this.detail.item.key);
      if (!item) this.leaveDetail();
      else if (item !== this.detail.item) this.detail.open(item);
    }
  }

  put(list, lines) {
    const told = () => drawLater(this);
    sync(list, lines, (line) => line.key, (line) => (line.item ? rows.makeAlarm(line, told) : rows.makeFold(line)), (element, line) => (line.item ? rows.updateAlarm(element, line) : rows.updateFold(element, line)));
  }

  drawHead(all) {
    const standing = all.filter((item) => !item.hidden);
    const counts = countBySeverity(standing);
    const fresh = standing.filter((item) => item.unacked).length;
    const said = JSON.stringify([counts, fresh]);
    if (this.counts.dataset.said !== said) {
      this.counts.dataset.said = said;
      replace(this.counts, SEVERITIES.filter((s) => counts[s]).map((s) => h('span', {class: 'row'}, severityMark(s, true), h('b', {}, counts[s]), ` ${word('severity', s)}`)),
        fresh > 0 ? h('span', {class: 'not-acked'}, many(fresh, '{n} not acknowledged', '{n} not acknowledged')) : null);
    }
    const n = this.now.toAck.length;
    this.ackAll.hidden = n < 2 || !may('technician');
    if (!this.ackAll.disabled) replace(this.ackAll, icon('check'), t('Acknowledge all {n}', {n}));
  }

  drawCalm(all) {
    const n = this.now.visible.length;
    this.calm.hidden = n > 0;
    this.list.hidden = n === 0;
    if (n > 0) return;
    const hidden = all.filter((item) => item.hidden).length;
    const said = !plant.loaded ? 'waiting' : `${isNarrow(this.filter) && this.now.left.length > 0} ${hidden} ${plant.state}`;
    if (this.calm.dataset.said === said) return;
    this.calm.dataset.said = said;
    if (!plant.loaded) replace(this.calm, waiting());
    else if (isNarrow(this.filter) && this.now.left.length > 0) replace(this.calm, nothing(t('No alarm passes the filter.')));
    else {
      replace(this.calm, h('p', {class: 'calm-word'}, plant.state === 'live' ? t('No alarms.') : t('No alarms when the connection was lost.')),
        hidden > 0 ? h('p', {}, many(hidden, '{n} alarm is hidden, see below.', '{n} alarms are hidden, see below.')) : null);
    }
  }

  drawHidden(all) {
    const counts = {};
    for (const item of all) if (item.hidden) counts[item.state] = (counts[item.state] ?? 0) + 1;
    const out = [...estate.out.values()];
    const kept = all.filter((item) => item.hidden).length - this.now.hidden.length;
    replace(this.hiddenHead, h('b', {}, t('Hidden')), ' ', h('span', {}, t('shelved {a}, suppressed {b}, out of service {c}', {a: counts.shelved ?? 0, b: counts.suppressed ?? 0, c: counts['out-of-service'] ?? 0})),
      out.length > 0 ? h('span', {}, ' · ', many(out.length, '{n} device out of service', '{n} devices out of service')) : null,
      kept > 0 ? h('span', {}, ' · ', t('{n} left out by the filter', {n: kept})) : null);
    sync(this.service, out, (row) => row.device, (row) => {
      const li = h('li', {});
      this.putService(li, row);
      return li;
    }, (li, row) => this.putService(li, row));
  }

  putService(li, row) {
    const said = JSON.stringify(row) + deviceName(row.device) + may('engineer');
    if (li.dataset.said === said) return;
    li.dataset.said = said;
    replace(li, icon('wrench'), h('a', {href: `/devices/${encodeURIComponent(row.device)}`}, deviceName(row.device)), h('span', {}, t('out of service'), ` – ${personName(row.by)}`), h('span', {}, row.reason), h('span', {class: 'until'}, untilText(ms(row.until))),
      may('engineer') ? h('button', {type: 'button', onclick: () => this.run(() => backInService(row.device))}, icon('plug'), t('Back in service')) : null);
  }

  drawSound() {
    const state = soundState();
    this.sound.setAttribute('aria-pressed', String(state !== 'off'));
    this.sound.classList.toggle('blocked', state === 'blocked');
    replace(this.sound, icon(state === 'on' ? 'bell' : 'bellOff'), {on: t('Sound on'), off: t('Sound off'), blocked: t('Sound: click to allow')}[state]);
  }

  tick() {
    for (const list of [this.list, this.hiddenList]) for (const element of list.children) rows.tick(element);
    this.list.classList.toggle('blink');
    const n = this.flood.count(now());
    this.floodLine.hidden = !this.flood.on;
    const said = this.flood.on ? t('Alarm flood: {n} alarms within 10 minutes. Look for the one cause first.', {n}) : '';
    if (this.floodLine.textContent !== said) this.floodLine.textContent = said;
    this.detail.tick();
    this.pages.tick();
    if (this.wall !== isWall()) {
      this.wall = isWall();
      this.draw();
    }
  }

  // ---- What is chosen ----

  order() {
    const keys = (list) => [...list.children].map((element) => element.dataset.key);
    return [...keys(this.list), ...(this.hidden.open ? keys(this.hiddenList) : [])];
  }

  element(key) {
    for (const list of [this.list, this.hiddenList]) for (const element of list.children) if (element.dataset.key === key) return element;
    return null;
  }

  choose(key, focus) {
    if (!key) return;
    if (key !== this.chosen) {
      const old = this.element(this.chosen);
      if (old) rows.choose(old, false);
      this.chosen = key;
    }
    const element = this.element(key);
    if (!element) return;
    rows.choose(element, true);
    if (!focus) return;
    element.focus({preventScroll: true});
    element.scrollIntoView({block: 'nearest'});
  }

  // What was chosen may be gone: what stands in its place is chosen then.
  keepChoice(index, focused) {
    const order = this.order();
    const had = order.includes(this.chosen);
    if (order.length === 0) {
      this.chosen = null;
      return;
    }
    const key = had ? this.chosen : order[Math.min(Math.max(0, index), order.length - 1)];
    if (!had || focused) this.choose(key, focused && !document.querySelector('dialog[open]'));
  }

  step(by) {
    const order = this.order();
    const at = order.indexOf(this.chosen);
    const inList = this.list.contains(document.activeElement) || this.hiddenList.contains(document.activeElement);
    const next = order[Math.min(order.length - 1, Math.max(0, inList || this.detail.item ? at + by : Math.max(0, at)))];
    this.choose(next, true);
    const {item} = this.element(next) ?? {};
    if (this.detail.item && item) this.detail.open(item);
  }

  openDetail() {
    const element = this.element(this.chosen);
    if (element?.line) this.unfold(element.line.key);
    else if (element?.item) {
      this.detail.open(element.item);
      if (matchMedia('(max-width: 760px)').matches) document.getElementById('detail-title')?.focus();
    }
  }

  show(key) {
    this.choose(key, true);
    this.openDetail();
  }

  // The alarm that a link names, wherever it stands.
  showWanted() {
    const key = this.wanted;
    if (!key || !plant.loaded) return;
    this.wanted = null;
    const fold = [...this.now.lines, ...this.now.hiddenLines].find((line) => line.items?.some((item) => item.key === key));
    if (fold && !fold.open) this.unfold(fold.key);
    if (this.items.get(key)?.hidden) this.hidden.open = true;
    if (this.element(key)) this.show(key);
    else toast(t('The alarm that the link names does not stand any more.'));
  }

  leaveDetail() {
    this.detail.close();
    this.choose(this.chosen, true);
  }

  unfold(key) {
    if (!unfolded.delete(key)) unfolded.add(key);
    this.draw();
  }

  // ---- What is done ----

  async run(act) {
    try {
      return await act();
    } catch (problem) {
      toast(problem.message, 'bad');
      return false;
    }
  }

  clicked(e) {
    const element = e.target.closest('li');
    if (!element || e.target.closest('a')) return;
    const button = e.target.closest('button[data-act]');
    if (!button) {
      if (String(getSelection())) return; // Somebody marks text.
      this.show(element.dataset.key);
      return;
    }
    this.act(button.dataset.act, element, button);
  }

  async act(name, element, button) {
    const items = element.item ? [element.item] : element.line.items;
    const acts = {
      ack: () => acknowledge(items), shelve: () => shelve(items), unshelve: () => unshelve(items.filter((i) => i.state === 'shelved')),
      service: () => outOfService(items[0].device), 'service-in': () => backInService(items[0].device), unfold: () => this.unfold(element.line.key),
      detail: () => this.show(element.dataset.key),
    };
    if (button?.ariaBusy) return;
    button?.setAttribute('aria-busy', 'true');
    await this.run(acts[name]);
    button?.removeAttribute('aria-busy');
  }

  async acknowledgeAll() {
    const {ackAll} = this;
    ackAll.disabled = true;
    await this.run(() => acknowledge(this.now.toAck, (done, all) => replace(ackAll, icon('check'), `${done} / ${all}`)));
    ackAll.disabled = false;
    this.draw();
  }

  // By key: the next one that waits is chosen, so that one key goes through them all.
  acknowledgeChosen() {
    const element = this.element(this.chosen);
    if (!element || !may('technician')) return;
    const items = element.item ? [element.item] : element.line.items;
    if (!items.some((item) => item.unacked && !item.hidden)) return;
    const next = element.nextElementSibling;
    this.act('ack', element, element.querySelector('button[data-act="ack"]'));
    if (next && items.length === 1) this.choose(next.dataset.key, true);
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (e.key.length === 1 && !lettersAct()) return;
    const typing = e.target.matches?.('input, select, textarea');
    if (typing) {
      if (e.key === 'Escape') e.target.blur();
      return;
    }
    const onControl = e.target.matches?.('button, a, summary');
    const element = this.element(this.chosen);
    const item = element?.item;
    const acts = {
      j: () => this.step(1), ArrowDown: () => this.step(1), k: () => this.step(-1), ArrowUp: () => this.step(-1),
      Home: () => this.choose(this.order()[0], true), End: () => this.choose(this.order().at(-1), true),
      Enter: onControl ? null : () => this.openDetail(), Escape: this.detail.item ? () => this.leaveDetail() : null,
      a: () => this.acknowledgeChosen(), s: item && !item.hidden && may('technician') ? () => this.run(() => shelve([item])) : null,
      o: item?.ticket ? () => go(`/tickets/${item.ticket}`) : null, d: item ? () => go(`/devices/${encodeURIComponent(item.device)}`) : null,
      '/': () => this.bar.text.focus(), '?': help,
    };
    if (!acts[e.key] || (e.repeat && e.key.length === 1 && !'jk'.includes(e.key))) return;
    e.preventDefault();
    acts[e.key]();
  }
}

// Who speaks to the page, or hits keys by chance, can do without (WCAG 2.1.4).
const lettersAct = () => localStorage.getItem('letters') !== '0';

function help() {
  const keys = [['j ↓', t('next alarm')], ['k ↑', t('previous alarm')], ['Enter', t('details, or unfold')], ['Esc', t('close the details')], ['a', t('acknowledge')], ['s', t('shelve')],
    ['o', t('open its ticket')], ['d', t('go to its device')], ['/', t('search')], ['?', t('this help')]];
  dialog({title: t('Keys'), body: [h('dl', {class: 'keys'}, keys.map(([key, text]) => [h('dt', {}, key.split(' ').map((one) => h('kbd', {}, one))), h('dd', {}, text)])),
    h('p', {}, h('label', {class: 'row'}, h('input', {type: 'checkbox', checked: lettersAct(), onchange: (e) => localStorage.setItem('letters', e.target.checked ? '1' : '0')}), t('Single letters act')))], accept: t('Close')});
}

export async function show(root, {query}) {
  const view = new Alarms(root, query);
  return {title: t('Alarms'), close: () => view.close()};
}
