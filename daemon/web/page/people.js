// Who may log in, and the tokens of programs; everybody: the own password and language.
import {h, replace, sync} from './dom.js';
import {get, patch, post, remove} from './api.js';
import {follow} from './plant.js';
import {may, personName, session, site} from './site.js';
import {ago, everySecond, full, ms, now} from './time.js';
import {actButton, dialog, failed, field, heads, icon, nothing, select, toast, waiting} from './ui.js';
import {choose, languages, t} from './words.js';

const ROLES = ['viewer', 'technician', 'engineer', 'administrator'];
const PASSWORD_LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

const roleText = (role) => ({viewer: t('Viewer'), technician: t('Technician'), engineer: t('Engineer'), administrator: t('Administrator')}[role] ?? role);
const roleHint = () => t('A viewer sees everything; a technician acknowledges, shelves and works on tickets; an engineer also takes devices out of service and changes the plan; an administrator manages users.');
const roleChoice = (chosen) => select('role', ROLES.map((role) => [role, roleText(role)]), chosen);
const languageChoice = (chosen) => select('language', [['', t('as the site')], ...Object.entries(languages())], chosen ?? '');
const path = (id) => `users/${encodeURIComponent(id)}`;

// A time as "5 min ago", with the instant behind it; null: `never`.
const when = (at, never) => (at ? h('time', {title: full(at), dataset: {at: ms(at)}}, ago(at)) : never);

// 4 groups of 4: easy to read out, and strong enough (79 bits).
function madePassword() {
  const letters = [];
  while (letters.length < 16) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < 8 * PASSWORD_LETTERS.length && letters.length < 16) letters.push(PASSWORD_LETTERS[byte % PASSWORD_LETTERS.length]);
    }
  }
  return letters.join('').replace(/(.{4})(?=.)/g, '$1-');
}

function passwordField(label, name, withMaker) {
  const input = h('input', {name, type: 'password', required: true, autocomplete: name === 'old' ? 'current-password' : 'new-password', maxlength: 200});
  const show = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => setShown(input.type === 'password')}, icon('eye'), t('Show'));
  const setShown = (shown) => {
    input.type = shown ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(shown));
  };
  const make = withMaker ? h('button', {type: 'button', onclick: () => {
    input.value = madePassword();
    setShown(true);
    input.select();
  }}, t('Make one')) : null;
  return [field(label, input), h('p', {class: 'row under'}, show, make)];
}

// For password stores of browsers: whose password it is.  Stands behind the field that is focused.
const whose = (user) => h('input', {name: 'username', autocomplete: 'username', value: user, hidden: true, readonly: true});

// ---- What is asked ----

function addUser(done) {
  const id = h('input', {name: 'id', required: true, maxlength: 60, autocapitalize: 'none', spellcheck: 'false', autocomplete: 'off', list: 'people-of-site'});
  const name = h('input', {name: 'name', maxlength: 120, autocomplete: 'off'});
  id.addEventListener('change', () => {
    const known = site.people.find((person) => person.id === id.value);
    if (known && !name.value) name.value = known.name;
  });
  return dialog({
    title: t('New user'),
    body: [h('datalist', {id: 'people-of-site'}, site.people.map((person) => h('option', {value: person.id}, person.name))),
      field(t('User'), id, t('Log-in name. For somebody of the site file take the same, so that tickets find the person.')), field(t('Full name'), name), field(t('Role'), roleChoice('technician'), roleHint()),
      field(t('Language'), languageChoice('')), passwordField(t('Password'), 'password', true)],
    accept: t('Add'),
    act: async (data) => {
      const user = data.get('id').trim();
      await post('users', {id: user, name: data.get('name').trim() || user, role: data.get('role'), password: data.get('password'), ...(data.get('language') ? {language: data.get('language')} : null)});
      toast(t('{name} may log in now', {name: user}));
      done();
    },
  });
}

function changeUser(user, done) {
  return dialog({
    title: user.name || user.id,
    body: [field(t('Full name'), h('input', {name: 'name', value: user.name ?? '', maxlength: 120, required: true})), field(t('Role'), roleChoice(user.role), roleHint()), field(t('Language'), languageChoice(user.language))],
    accept: t('Change'),
    act: async (data) => {
      await patch(path(user.id), {name: data.get('name').trim(), role: data.get('role'), language: data.get('language') || null});
      done();
    },
  });
}

function newPassword(user, done) {
  return dialog({
    title: t('New password for {name}', {name: user.name || user.id}),
    body: [h('p', {class: 'hint'}, t('Open sessions end with it.')), passwordField(t('New password'), 'password', true), whose(user.id)],
    accept: t('Set'),
    act: async (data) => {
      await post(`${path(user.id)}/password`, {password: data.get('password')});
      toast(t('The new password is set'));
      done();
    },
  });
}

function removeUser(user, done) {
  return dialog({
    title: t('Remove {name}?', {name: user.name || user.id}),
    body: h('p', {}, t('Sessions and tokens end at once. What was done stays in the journal. To pause an account, disable it instead.')),
    accept: t('Remove'), danger: true,
    act: async () => {
      await remove(path(user.id));
      toast(t('{name} is removed', {name: user.name || user.id}));
      done();
    },
  });
}

// Whoever sets his own password is logged out everywhere, here too.
async function ownPassword() {
  const done = await dialog({
    title: t('Own password'),
    body: [passwordField(t('Current password'), 'old'), passwordField(t('New password'), 'password'), passwordField(t('New password again'), 'again'), h('p', {class: 'hint'}, t('You will have to log in again.')), whose(session.user)],
    accept: t('Change'),
    act: async (data) => {
      if (data.get('password') !== data.get('again')) throw new Error(t('The two new passwords are not the same.'));
      await post(`${path(session.user)}/password`, {old: data.get('old'), password: data.get('password')});
    },
  });
  if (done) location.assign('/');
}

async function addToken(users, done) {
  let made = null;
  const roles = ROLES.slice(0, ROLES.indexOf(session.role) + 1);
  const ends = [['30d', t('30 days')], ['90d', t('90 days')], ['365d', t('1 year')], ['', t('until revoked')]];
  await dialog({
    title: t('New token'),
    body: [h('p', {class: 'hint'}, t('For a program that asks the gateway, in place of a password.')), field(t('What for'), h('input', {name: 'name', required: true, maxlength: 60, autocomplete: 'off'})),
      users.length > 1 ? field(t('User'), select('user', users.map((u) => [u.id, u.name || u.id]), session.user ?? users[0].id)) : null,
      field(t('Role'), select('role', roles.map((role) => [role, roleText(role)]), 'viewer')), field(t('Valid for'), select('for', ends, '90d'))],
    accept: t('Create'),
    act: async (data) => {
      made = await post('tokens', {name: data.get('name').trim(), role: data.get('role'), ...(data.get('user') ? {user: data.get('user')} : null), ...(data.get('for') ? {for: data.get('for')} : null)});
    },
  });
  if (!made) return;
  done();
  await tellSecret(made.secret);
}

async function copyText(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
  } catch { // Without TLS a browser has no clipboard for us, but an older way.
    if (!document.execCommand('copy')) throw new Error(t('The browser does not copy here: mark the text and copy it yourself.'));
  }
}

function tellSecret(secret) {
  const input = h('input', {value: secret, readonly: true, class: 'secret', 'aria-label': t('Token'), onfocus: () => input.select()});
  return dialog({
    title: t('The token'),
    body: [h('p', {}, h('b', {}, t('It is shown this one time.')), ' ', t('The gateway keeps only its fingerprint.')), h('div', {class: 'row'}, input,
      actButton(t('Copy'), async (button) => {
        await copyText(input);
        replace(button, icon('check'), t('Copied'));
      })), h('p', {class: 'hint'}, t('It goes into the header:'), ' ', h('code', {}, 'Authorization: Bearer …'))],
    accept: t('I have it'),
  });
}

function revoke(token, done) {
  return dialog({
    title: t('Revoke “{name}”?', {name: token.name}), body: h('p', {}, t('The program that uses it is refused at once.')), accept: t('Revoke'), danger: true,
    act: async () => {
      await remove(`tokens/${token.number}`);
      done();
    },
  });
}

// ---- What is shown ----

const cell = (label, ...children) => h('td', {dataset: {label}}, children);
const act = (text, run, properties) => h('button', {type: 'button', ...properties, onclick: run}, text);

function userRow(user, done) {
  const self = user.id === session.user;
  const state = user.disabled ? h('b', {}, t('disabled')) : t('may log in');
  const toggle = actButton(user.disabled ? t('Enable') : t('Disable'), async () => {
    await patch(path(user.id), {disabled: !user.disabled});
    done();
  });
  return [h('th', {scope: 'row'}, h('span', {class: 'name'}, user.name || user.id), h('span', {class: 'quiet'}, ` ${user.id}${self ? ` · ${t('you')}` : ''}`)),
    cell(t('Role'), roleText(user.role)), cell(t('Language'), languages()[user.language] ?? t('as the site')), cell(t('Last seen'), when(user.seen_at, t('never'))), cell(t('Created'), when(user.created_at, '')), cell(t('State'), state),
    h('td', {class: 'acts'}, h('div', {class: 'row'}, act(t('Change'), () => changeUser(user, done)), self ? null : act(t('New password'), () => newPassword(user, done)), self ? null : toggle, self ? null : act(t('Remove'), () => removeUser(user, done))))];
}

function tokenRow(token, done) {
  const expired = token.expired ?? (token.expires_at && ms(token.expires_at) < now());
  return [h('th', {scope: 'row'}, token.name), cell(t('User'), personName(token.user)), cell(t('Role'), roleText(token.role)), cell(t('Created'), when(token.created_at, '')), cell(t('Last used'), when(token.used_at, t('never'))),
    cell(t('Valid until'), expired ? h('b', {}, t('expired')) : token.expires_at ? full(token.expires_at) : t('revoked')), h('td', {class: 'acts'}, act(t('Revoke'), () => revoke(token, done)))];
}

// A table that keeps its rows: the focus stays on the button that was pressed.
class Table {
  constructor(names, none, rowOf) {
    this.body = h('tbody', {});
    this.rowOf = rowOf;
    this.none = nothing(none);
    this.table = h('table', {class: 'people-table'}, heads(names), this.body);
    this.element = h('div', {}, waiting());
  }

  show(rows, key) {
    const shown = rows.length === 0 ? this.none : this.table;
    if (this.element.firstChild !== shown) replace(this.element, shown);
    const draw = (tr, row) => {
      const said = JSON.stringify(row);
      if (tr.dataset.said === said) return;
      tr.dataset.said = said;
      tr.classList.toggle('off', Boolean(row.disabled || row.expired));
      replace(tr, this.rowOf(row));
    };
    sync(this.body, rows, key, (row) => {
      const tr = h('tr', {});
      draw(tr, row);
      return tr;
    }, draw);
  }

  fail(problem, again) {
    replace(this.element, failed(problem, again));
  }
}

function ownSection() {
  if (!session.user) return h('section', {class: 'card'}, h('p', {}, t('Nobody is logged in here: there is no account to change.')),
    session.log_in ? null : h('p', {}, t('Nothing can be done on the page until somebody may log in. The first one is added on the gateway:'), ' ', h('code', {}, 'caretaker user add NAME --role administrator')));
  const language = languageChoice(session.language);
  language.addEventListener('change', async () => {
    try {
      await patch(path(session.user), {language: language.value || null});
      choose(language.value || site.language);
      location.reload();
    } catch (problem) {
      toast(problem.message, 'bad');
      language.value = session.language ?? '';
    }
  });
  return h('section', {class: 'card own'}, h('h2', {}, t('You')), h('p', {}, h('b', {}, session.name || session.user), ` (${session.user}) · ${roleText(session.role)}`),
    h('div', {class: 'row'}, h('label', {class: 'row'}, t('Language'), language), h('button', {type: 'button', onclick: ownPassword}, t('Change the password'))));
}

export async function show(root) {
  const reigns = may('administrator');
  const ends = [];
  let users = session.user ? [{id: session.user, name: session.name}] : [];
  let closed = false;
  const userTable = new Table([t('Name'), t('Role'), t('Language'), t('Last seen'), t('Created'), t('State'), ''], t('There is no user yet.'), (user) => userRow(user, readUsers));
  const tokenTable = new Table([t('What for'), t('User'), t('Role'), t('Created'), t('Last used'), t('Valid until'), ''], t('There is no token.'), (token) => tokenRow(token, readTokens));

  async function read(table, what, key, then) {
    try {
      const rows = await get(what);
      if (closed) return;
      then?.(rows);
      table.show(rows, key);
    } catch (problem) {
      if (!closed) table.fail(problem, () => read(table, what, key, then));
    }
  }
  const readUsers = () => read(userTable, 'users', (user) => user.id, (rows) => { users = rows.filter((user) => !user.disabled); });
  const readTokens = () => read(tokenTable, 'tokens', (token) => token.number);
  const readAll = () => {
    if (reigns) readUsers();
    if (session.user || reigns) readTokens();
  };

  replace(root, h('h1', {}, t('People')), ownSection(),
    reigns ? h('section', {class: 'card'}, h('div', {class: 'row head'}, h('h2', {}, t('Users')), h('button', {type: 'button', class: 'primary', onclick: () => addUser(readUsers)}, icon('user'), t('New user'))), userTable.element) : null,
    session.user || reigns ? h('section', {class: 'card'}, h('div', {class: 'row head'}, h('h2', {}, t('Tokens of programs')), h('button', {type: 'button', onclick: () => addToken(reigns ? users : [], readTokens)}, t('New token'))), tokenTable.element) : null);
  ends.push(follow((change) => change.kind === 'all' && readAll()), everySecond(() => {
    for (const time of root.querySelectorAll('time[data-at]')) {
      const said = ago(Number(time.dataset.at));
      if (time.textContent !== said) time.textContent = said;
    }
  }));
  readAll();
  return {title: t('People'), close: () => {
    closed = true;
    for (const end of ends) end();
  }};
}
