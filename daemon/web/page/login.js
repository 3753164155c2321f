// Who is there?
import {h} from './dom.js';
import {post} from './api.js';
import {field} from './ui.js';
import {t} from './words.js';

// Resolves when somebody has logged in.
export function logIn(root, siteName) {
  return new Promise((resolve) => {
    const error = h('p', {class: 'error', role: 'alert'});
    const user = h('input', {name: 'user', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false'});
    const password = h('input', {name: 'password', type: 'password', autocomplete: 'current-password', required: true});
    const go = h('button', {class: 'primary', type: 'submit'}, t('Log in'));
    const form = h('form', {class: 'login card', onsubmit: async (e) => {
      e.preventDefault();
      error.textContent = '';
      go.disabled = true;
      try {
        await post('session', {user: user.value, password: password.value});
        resolve();
      } catch (problem) {
        error.textContent = problem.message;
        password.select();
      } finally {
        go.disabled = false;
      }
    }}, h('h1', {}, siteName ?? 'Caretaker'), field(t('User'), user), field(t('Password'), password), error, go);
    root.replaceChildren(h('main', {class: 'centre'}, form));
    user.focus();
  });
}
