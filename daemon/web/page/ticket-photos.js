// Photos of a ticket: taken by the phone, made smaller before they are sent.
import {h, replace} from './dom.js';
import {ask, get, url} from './api.js';
import {personName} from './site.js';
import {moment} from './time.js';
import {icon, toast} from './ui.js';
import {many, t} from './words.js';

const SIDE = 1600; // Pixels: enough to read a type plate.

// A JPEG of at most SIDE pixels, upright.  What the browser cannot read goes as it is.
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, {imageOrientation: 'from-image'});
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = h('canvas', {width: Math.round(picture.width * scale), height: Math.round(picture.height * scale)});
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error())), 'image/jpeg', 0.85));
  } catch {
    return file;
  }
}

function enlarge(source, label) {
  const box = h('dialog', {class: 'photo-full', 'aria-label': label, onclose: () => box.remove()},
    h('img', {src: source, alt: label}), h('form', {method: 'dialog', class: 'row end'}, h('button', {autofocus: true}, t('Close'))));
  document.body.append(box);
  box.showModal();
}

// {element, read(), close(), able}: able: one may be added.
export function photos(number) {
  const path = `tickets/${number}/photos`;
  const list = h('div', {class: 'photos'});
  const input = h('input', {type: 'file', accept: 'image/jpeg,image/png,image/webp', capture: 'environment', multiple: true, class: 'vh photos-add', id: `photo-${number}`});
  const add = h('label', {class: 'button', for: input.id, hidden: true}, icon('camera'), t('Add a photo'));
  const count = h('span', {class: 'quiet'});
  const element = h('section', {class: 'card', hidden: true}, h('h2', {}, t('Photos'), ' ', count), list, input, add);
  let known = 0;
  let there = false; // The gateway knows photos.
  let able = false;

  function draw() {
    add.hidden = !able;
    element.hidden = !there || (!able && known === 0);
  }

  async function read() {
    try {
      const rows = await get(path);
      there = true;
      known = rows.length;
      replace(count, rows.length || '');
      replace(list, rows.map((photo) => {
        const source = url(`${path}/${photo.number}`);
        const label = t('Photo {n}, {who}, {time}', {n: photo.number, who: personName(photo.by), time: moment(photo.at)});
        return h('button', {type: 'button', class: 'photo', title: photo.note || label, onclick: () => enlarge(source, label)}, h('img', {src: source, alt: photo.note || label, loading: 'lazy'}));
      }));
    } catch (problem) {
      if (problem.status !== 404) toast(problem.message, 'bad');
    }
    draw();
  }

  input.addEventListener('change', async () => {
    const files = [...input.files];
    input.value = '';
    add.setAttribute('aria-busy', 'true');
    let sent = 0;
    try {
      for (const file of files) {
        replace(count, t('sending {n} of {all}', {n: sent + 1, all: files.length}));
        await ask('POST', path, null, {blob: await smaller(file)});
        sent++;
      }
      toast(many(sent, '{n} photo added', '{n} photos added'));
    } catch (problem) {
      toast(problem.message, 'bad');
    } finally {
      add.removeAttribute('aria-busy');
      await read();
    }
  });

  return {element, read, close() {}, get able() { return able; }, set able(value) { able = value; draw(); }};
}
