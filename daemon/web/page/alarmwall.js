// On a wall screen nobody scrolls: a list that does not fit goes from page to page by itself,
// and rests longer on the first, where the worst stands.
import {t} from './words.js';

const FIRST_S = 15;
const OTHER_S = 8;

export class Pages {
  page = 0;
  pages = 1;
  left = FIRST_S;

  // sign: where the number of the page is said.
  constructor(list, sign) {
    this.list = list;
    this.sign = sign;
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(document.documentElement);
  }

  close() {
    this.observer.disconnect();
  }

  // How many rows fit, from the list's own place down to the lower edge; nothing of the next one
  // looks out.
  measure() {
    const {list} = this;
    if (!document.documentElement.classList.contains('wall')) {
      if (list.style.height !== '') list.style.height = '';
      this.pages = 1;
      this.sign.hidden = true;
      return;
    }
    const rows = list.children;
    if (rows.length === 0) return;
    const main = list.closest('main');
    const style = getComputedStyle(main);
    const below = this.list.parentElement.querySelector('.hidden-part')?.offsetHeight ?? 0;
    const top = list.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop;
    const room = main.clientHeight - top - parseFloat(style.paddingBottom) - below - 2 * parseFloat(style.fontSize);
    const top0 = rows[0].getBoundingClientRect();
    const step = rows.length > 1 ? rows[1].getBoundingClientRect().top - top0.top : top0.height;
    const fit = Math.max(1, Math.floor(room / step));
    this.step = step;
    this.fit = fit;
    this.pages = Math.ceil(rows.length / fit);
    const height = this.pages > 1 ? `${Math.floor(fit * step) - 4}px` : '';
    if (list.style.height !== height) list.style.height = height;
    this.turn(Math.min(this.page, this.pages - 1));
  }

  turn(page) {
    this.page = page;
    this.list.scrollTop = page * this.fit * this.step;
    this.sign.hidden = this.pages === 1;
    const said = t('Page {n} of {all}', {n: page + 1, all: this.pages});
    if (this.sign.textContent !== said) this.sign.textContent = said;
  }

  // Each second.
  tick() {
    if (this.pages === 1 || --this.left > 0) return;
    this.turn((this.page + 1) % this.pages);
    this.left = this.page === 0 ? FIRST_S : OTHER_S;
  }
}

const CORNER = 4; // Pixels that do not count.

// The same for a view of parts one below the other: what does not fit comes to the top, part by
// part.  head: what stays at the upper edge of `main`.
export class Walk {
  left = FIRST_S;

  constructor(main, head, parts) {
    Object.assign(this, {main, head, parts});
  }

  // Each second.
  tick() {
    const {main, head} = this;
    if (!document.documentElement.classList.contains('wall') || main.scrollHeight <= main.clientHeight + CORNER || --this.left > 0) return;
    const room = main.getBoundingClientRect();
    const top = room.top + head.offsetHeight;
    const next = this.parts().map((part) => part.getBoundingClientRect()).find((box) => box.bottom > room.bottom + CORNER);
    const atEnd = main.scrollTop + main.clientHeight >= main.scrollHeight - CORNER;
    if (atEnd || !next) main.scrollTop = 0;
    else main.scrollTop += next.top > top + CORNER ? next.top - top - CORNER : room.bottom - top; // A part that is taller than the screen.
    this.left = main.scrollTop === 0 ? FIRST_S : OTHER_S;
  }
}
