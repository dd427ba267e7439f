// A terminal in the page: draws a screen, and turns keys into what programs expect.
import { h, patch } from './dom.js';
import { Screen } from './screen.js';
import { Session } from './session.js';

const scrollbackMax = 2_000;

const keys = {
  Enter: '\r', Backspace: '\x7f', Tab: '\t', Escape: '\x1b', Delete: '\x1b[3~', Insert: '\x1b[2~', PageUp: '\x1b[5~', PageDown: '\x1b[6~',
  F1: '\x1bOP', F2: '\x1bOQ', F3: '\x1bOR', F4: '\x1bOS', F5: '\x1b[15~', F6: '\x1b[17~', F7: '\x1b[18~', F8: '\x1b[19~',
  F9: '\x1b[20~', F10: '\x1b[21~', F11: '\x1b[23~', F12: '\x1b[24~',
};
const arrows = { ArrowUp: 'A', ArrowDown: 'B', ArrowRight: 'C', ArrowLeft: 'D', Home: 'H', End: 'F' };

/** What a key sends; null if the browser is to have it. */
export function keyText(event, hasApplicationKeys) {
  const { key, ctrlKey, altKey, shiftKey, metaKey } = event;
  if (metaKey || event.isComposing) return null;
  const meta = altKey ? '\x1b' : '';
  if (key in arrows) {
    const modifier = 1 + (shiftKey ? 1 : 0) + (altKey ? 2 : 0) + (ctrlKey ? 4 : 0);
    if (modifier > 1) return `\x1b[1;${modifier}${arrows[key]}`;
    return `${hasApplicationKeys ? '\x1bO' : '\x1b['}${arrows[key]}`;
  }
  if (key === 'Tab' && shiftKey) return '\x1b[Z';
  if (key in keys) return meta + keys[key];
  if ([...key].length !== 1) return null;
  if (ctrlKey && !shiftKey) {
    if (key === ' ') return '\0';
    const code = key.toUpperCase().charCodeAt(0);
    return code >= 0x40 && code <= 0x5f ? meta + String.fromCharCode(code - 0x40) : null;
  }
  // Other characters come as input, whichever way they were typed.
  return altKey && !ctrlKey ? meta + key : null;
}

/** Properties: `agent`, `container` (the task's), `onClose`. */
export class Terminal {
  #props;
  #element;
  #tools;
  #view;
  #input;
  #probe;
  #screen;
  #session;
  #decoder;
  #end = null;
  #isDrawing = false;
  #rows = [];
  #observer;

  constructor(element, props) {
    this.#props = props;
    this.#element = element;
    element.classList.add('terminal');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#view = document.createElement('pre');
    this.#view.className = 'screen';
    this.#input = document.createElement('textarea');
    this.#input.className = 'keys';
    this.#input.setAttribute('aria-label', 'Terminal. Control Shift Enter leaves it.');
    for (const name of ['autocomplete', 'autocorrect', 'autocapitalize']) this.#input.setAttribute(name, 'off');
    this.#input.spellcheck = false;
    this.#probe = document.createElement('span');
    this.#probe.className = 'probe';
    this.#probe.textContent = 'M'.repeat(50);
    element.append(this.#tools, this.#view, this.#input);
    this.#listen();
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.#view);
    this.#start();
  }

  update(props) {
    this.#props = props;
  }

  destroy() {
    this.#observer.disconnect();
    this.#session?.close();
  }

  // MARK: The session

  #start() {
    this.#end = null;
    this.#view.textContent = '';
    this.#rows = [];
    const { rows, columns } = this.#size();
    this.#decoder = new TextDecoder();
    this.#screen = new Screen(rows, columns, (text) => this.#session.type(text));
    const session = new Session(this.#props.agent, this.#props.container, {
      onOutput: (bytes) => {
        if (session !== this.#session) return;
        this.#screen.write(this.#decoder.decode(bytes, { stream: true }));
        this.#draw();
      },
      onEnd: (text, isBad) => {
        if (session !== this.#session) return;
        this.#end = { text, isBad };
        this.#draw();
      },
    });
    this.#session = session;
    session.run(rows, columns);
    this.#draw();
    this.#input.focus({ preventScroll: true });
  }

  #type(text) {
    if (this.#end) return;
    this.#session.type(text);
    this.#view.scrollTop = this.#view.scrollHeight;
  }

  // MARK: Size

  #cell() {
    this.#view.append(this.#probe);
    const box = this.#probe.getBoundingClientRect();
    this.#probe.remove();
    return { width: box.width / 50 || 8, height: box.height || 16 };
  }

  #size() {
    const { width, height } = this.#cell();
    const style = getComputedStyle(this.#view);
    const inner = this.#view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const tall = this.#view.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const clamp = (value, least, most) => Math.min(Math.max(Math.floor(value), least), most);
    return { rows: clamp(tall / height, 5, 200), columns: clamp(inner / width, 20, 400) };
  }

  #fit() {
    if (!this.#screen || this.#end) return;
    const { rows, columns } = this.#size();
    if (rows === this.#screen.rows && columns === this.#screen.columns) return;
    this.#screen.resize(rows, columns);
    this.#session.resize(rows, columns);
    this.#draw();
  }

  // MARK: Keys

  #listen() {
    const input = this.#input;
    input.addEventListener('keydown', (event) => {
      // What is typed here is no command to the page.
      event.stopPropagation();
      if (event.key === 'Enter' && event.ctrlKey && event.shiftKey) {
        event.preventDefault();
        this.#tools.querySelector('button')?.focus();
        return;
      }
      // What is selected is copied, as everywhere; with nothing selected, Control C ends a program, as in every terminal.
      if (event.key === 'c' && event.ctrlKey && !getSelection().isCollapsed) return;
      if (event.key.toLowerCase() === 'v' && event.ctrlKey) return;
      const text = keyText(event, this.#screen.hasApplicationKeys);
      if (text === null) return;
      event.preventDefault();
      this.#type(text);
    });
    input.addEventListener('input', (event) => {
      if (event.isComposing) return;
      this.#take();
    });
    input.addEventListener('compositionend', () => this.#take());
    input.addEventListener('paste', (event) => {
      event.preventDefault();
      const text = event.clipboardData.getData('text').replace(/\r?\n/g, '\r');
      // What is pasted cannot end the paste.
      this.#type(this.#screen.hasBracketedPaste ? `\x1b[200~${text.replaceAll('\x1b', '')}\x1b[201~` : text);
    });
    for (const name of ['focus', 'blur']) {
      input.addEventListener(name, () => this.#element.classList.toggle('focused', name === 'focus'));
    }
    // A click, but not the end of a selection.
    this.#view.addEventListener('mouseup', () => {
      if (getSelection().isCollapsed) input.focus({ preventScroll: true });
    });
  }

  #take() {
    const text = this.#input.value;
    this.#input.value = '';
    if (text) this.#type(text.replace(/\n/g, '\r'));
  }

  // MARK: Drawing

  /** Once for all that comes within a frame. */
  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#drawTools();
      this.#drawScreen();
    });
  }

  #drawTools() {
    patch(this.#tools, [
      h('strong', {}, 'Terminal'),
      this.#end ? h('span', { class: this.#end.isBad ? 'bad' : 'quiet', role: 'status' }, this.#end.text)
        : h('span', { class: 'quiet' }, 'Ctrl+Shift+Enter leaves it'),
      h('span', { class: 'gap' }),
      this.#end ? h('button', { key: 'again', class: 'small', onclick: () => this.#start() }, 'Start another') : null,
      h('button', { key: 'close', class: 'small', onclick: () => this.#props.onClose() }, 'Close'),
    ]);
  }

  #drawScreen() {
    const isAtEnd = this.#view.scrollHeight - this.#view.scrollTop - this.#view.clientHeight < 20;
    const { lines, cursor } = this.#screen;
    const past = this.#screen.takeScrolled().map((line) => drawn(line, -1));
    const first = this.#rows.find((row) => row.isConnected) ?? null;
    for (const row of past) this.#view.insertBefore(row, first);
    while (this.#view.childNodes.length > scrollbackMax + lines.length) this.#view.firstChild.remove();
    const rows = lines.map((line, index) => {
      const at = index === cursor.row && this.#screen.isCursorShown && !this.#end ? cursor.column : -1;
      const old = this.#rows[index];
      if (old && !line.isChanged && old.line === line && old.cursor === at) return old;
      const row = drawn(line, at);
      row.line = line;
      row.cursor = at;
      line.isChanged = false;
      if (old?.isConnected) old.replaceWith(row);
      else this.#view.append(row);
      return row;
    });
    for (const row of this.#rows.slice(rows.length)) row.remove();
    this.#rows = rows;
    if (isAtEnd) this.#view.scrollTop = this.#view.scrollHeight;
  }
}

/** One line: a run of cells with the same looks becomes an element. */
function drawn(line, cursor) {
  const row = document.createElement('div');
  let run = null;
  for (const [column, cell] of line.cells.entries()) {
    const isCursor = column === cursor;
    if (!run || run.style !== cell.style || isCursor || run.isCursor) {
      if (run) row.append(span(run));
      run = { style: cell.style, text: '', isCursor };
    }
    run.text += cell.text;
  }
  if (run) row.append(span(run));
  return row;
}

function span({ style, text, isCursor }) {
  const element = document.createElement('span');
  element.textContent = text;
  const names = ['bold', 'dim', 'italic', 'underline', 'inverse'].filter((name) => style[name]);
  if (isCursor) names.push('cursor');
  for (const [name, value] of [['fg', style.fg], ['bg', style.bg]]) {
    if (value === null) continue;
    if (typeof value === 'number') names.push(`${name}${value}`);
    else element.style.setProperty(name === 'fg' ? '--fg' : '--bg', value);
  }
  if (names.length > 0) element.className = names.join(' ');
  return element;
}
