// A file that is shown as it grows: its end first, earlier parts on demand, with search.
import { h, patch } from './dom.js';
import { bytes } from './format.js';

const pieceBytes = 50_000;
/** What is kept in the page; a browser becomes slow with more. */
const textMax = 2_000_000;
const pollMilliseconds = 1_000;
const marksMax = 5_000;

// What terminals take for colours and cursor movements.
const escapes = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

/** All that are open: what is marked in any of them is marked by the same two names. */
const shown = new Set();

/**
 * Properties: `title`, `read(offset, length)` (a promise of `{data, offset, length?}` as /files/read answers), `download`
 * (a link), `isGrowing` (whether more may come).
 */
export class LogView {
  #props;
  #element;
  #tools;
  #note;
  #pre;
  #start = 0;
  #end = 0;
  #size = null;
  #problem = null;
  #isFollowing = true;
  #isWrapped = true;
  #isBusy = false;
  #isStopped = false;
  #timer = null;
  #word = '';
  #marks = [];
  #markIndex = -1;
  #encoder = new TextEncoder();

  constructor(element, props) {
    this.#props = props;
    this.#element = element;
    element.classList.add('log');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#note = document.createElement('div');
    this.#note.className = 'note quiet';
    this.#pre = document.createElement('pre');
    this.#pre.tabIndex = 0;
    this.#pre.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    element.append(this.#tools, this.#note, this.#pre);
    shown.add(this);
    this.#draw();
    this.#run();
  }

  update(props) {
    this.#props = props;
    this.#draw();
  }

  destroy() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    shown.delete(this);
    this.#paint();
  }

  // MARK: Reading

  async #run() {
    if (this.#isStopped) return;
    if (!document.hidden || this.#size === null) await this.#step();
    const pause = this.#problem ? 3_000 : this.#props.isGrowing ? pollMilliseconds : 15_000;
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#run(), pause);
  }

  async #step() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      if (this.#size === null) {
        // Without an offset the answer is the file's size.
        const { offset } = await this.#props.read(-1, 0);
        this.#size = offset;
        this.#start = this.#end = Math.max(0, offset - pieceBytes);
      }
      for (let pieces = 0; pieces < 8 && !this.#isStopped; pieces += 1) {
        const piece = await this.#props.read(this.#end, pieceBytes);
        const length = this.#lengthOf(piece);
        if (length === 0) {
          if (piece.offset < this.#end) this.#restart();
          break;
        }
        this.#append(piece.data);
        this.#end += length;
        this.#size = Math.max(this.#size, this.#end);
        if (length < pieceBytes / 2) break;
      }
      this.#problem = null;
    } catch (error) {
      this.#problem = error;
    }
    this.#isBusy = false;
    if (!this.#isStopped) this.#draw();
  }

  /** The file was cut short: what is shown is no longer in it. */
  #restart() {
    this.#pre.textContent = '';
    this.#start = this.#end = 0;
    this.#size = 0;
  }

  #lengthOf(piece) {
    return piece.length ?? this.#encoder.encode(piece.data).length;
  }

  async #readEarlier() {
    if (this.#isBusy || this.#start === 0) return;
    this.#isBusy = true;
    try {
      const from = Math.max(0, this.#start - pieceBytes);
      let text = '';
      let at = from;
      while (at < this.#start) {
        const piece = await this.#props.read(at, this.#start - at);
        const length = this.#lengthOf(piece);
        if (length === 0) break;
        text += piece.data;
        at += length;
      }
      const height = this.#pre.scrollHeight;
      this.#pre.prepend(document.createTextNode(text.replace(escapes, '')));
      this.#pre.scrollTop += this.#pre.scrollHeight - height;
      this.#start = from;
      this.#problem = null;
      this.#mark();
    } catch (error) {
      this.#problem = error;
    }
    this.#isBusy = false;
    this.#draw();
  }

  #append(text) {
    this.#pre.append(document.createTextNode(text.replace(escapes, '')));
    let kept = this.#pre.textContent.length;
    while (kept > textMax && this.#pre.childNodes.length > 1) {
      const first = this.#pre.firstChild;
      kept -= first.length;
      this.#start += this.#encoder.encode(first.data).length;
      first.remove();
    }
    if (this.#word) this.#mark();
    if (this.#isFollowing) this.#pre.scrollTop = this.#pre.scrollHeight;
  }

  #scrolled() {
    const rest = this.#pre.scrollHeight - this.#pre.scrollTop - this.#pre.clientHeight;
    const isAtEnd = rest < 20;
    if (isAtEnd !== this.#isFollowing) {
      this.#isFollowing = isAtEnd;
      this.#draw();
    }
  }

  // MARK: Search

  /** Marks what was searched for, without touching the text: selections stay. */
  #mark() {
    this.#marks = [];
    const word = this.#word.toLowerCase();
    if (word) {
      for (const node of this.#pre.childNodes) {
        const text = node.data.toLowerCase();
        for (let at = text.indexOf(word); at >= 0 && this.#marks.length < marksMax; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + word.length);
          this.#marks.push(range);
        }
      }
    }
    this.#markIndex = Math.min(this.#markIndex, this.#marks.length - 1);
    this.#paint();
  }

  #paint() {
    if (!globalThis.CSS?.highlights) return;
    const all = [...shown];
    CSS.highlights.set('search', new Highlight(...all.flatMap((view) => view.#marks)));
    CSS.highlights.set('search-current', new Highlight(...all.flatMap((view) => view.#marks[view.#markIndex] ?? [])));
  }

  #go(step) {
    const count = this.#marks.length;
    if (count === 0) return;
    // From the newest line back, as one reads a log.
    this.#markIndex = this.#markIndex < 0 ? count - 1 : (this.#markIndex + step + count) % count;
    this.#isFollowing = false;
    const box = this.#marks[this.#markIndex].getBoundingClientRect();
    const outer = this.#pre.getBoundingClientRect();
    this.#pre.scrollTop += box.top - outer.top - outer.height / 2;
    this.#paint();
    this.#draw();
  }

  // MARK: Drawing

  #draw() {
    const { title, download, isGrowing } = this.#props;
    patch(this.#tools, [
      h('strong', {}, title),
      h('input', {
        key: 'search', type: 'search', class: 'search', placeholder: 'Search', 'aria-label': `Search ${title}`,
        spellcheck: 'false', autocomplete: 'off',
        oninput: (event) => {
          this.#word = event.target.value;
          this.#markIndex = -1;
          this.#mark();
          this.#draw();
        },
        onkeydown: (event) => {
          if (event.key === 'Enter') this.#go(event.shiftKey ? 1 : -1);
        },
      }),
      this.#word ? h('span', { key: 'hits', class: 'quiet', role: 'status' },
        this.#markIndex >= 0 ? `${this.#markIndex + 1} of ${this.#marks.length}` : `${this.#marks.length} found`) : null,
      this.#marks.length ? [
        h('button', { key: 'back', class: 'small', onclick: () => this.#go(-1), title: 'The one before (Enter)', 'aria-label': 'Previous match' }, '↑'),
        h('button', { key: 'on', class: 'small', onclick: () => this.#go(1), title: 'The next one (Shift+Enter)', 'aria-label': 'Next match' }, '↓'),
      ] : null,
      h('span', { key: 'gap', class: 'gap' }),
      h('button', {
        key: 'wrap', class: 'small', 'aria-pressed': String(this.#isWrapped), onclick: () => {
          this.#isWrapped = !this.#isWrapped;
          this.#pre.classList.toggle('unwrapped', !this.#isWrapped);
          this.#draw();
        },
      }, 'Wrap'),
      isGrowing ? h('button', {
        key: 'follow', class: 'small', 'aria-pressed': String(this.#isFollowing), onclick: () => {
          this.#isFollowing = !this.#isFollowing;
          if (this.#isFollowing) this.#pre.scrollTop = this.#pre.scrollHeight;
          this.#draw();
        },
      }, 'Follow') : null,
      download ? h('a', { key: 'download', class: 'button small', href: download, download: '' }, 'Download') : null,
    ]);
    patch(this.#note, [
      this.#problem ? h('span', { class: 'bad' }, this.#problem.status === 404 ? 'There is no such file (any more).'
        : `It cannot be read: ${this.#problem.message || `status ${this.#problem.status}`}`) : null,
      !this.#problem && this.#size === 0 ? (isGrowing ? 'Nothing yet.' : 'It is empty.') : null,
      this.#start > 0 ? h('button', { class: 'link', onclick: () => this.#readEarlier() },
        `Show earlier output (${bytes(this.#start)} before this)`) : null,
    ]);
    this.#pre.setAttribute('aria-label', title);
    this.#pre.hidden = !this.#pre.firstChild;
  }
}
