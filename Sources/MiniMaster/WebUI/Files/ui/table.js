// A table of any length: only the rows in sight are in the document. It filters, sorts, and is walked through with the keys.
import { h, patch } from './dom.js';
import { number } from './format.js';

const rowHeight = 36;
const spareRows = 6;
/** Longer lists are put into order at most every so often, or nothing else would be done. */
const slowRowsMin = 20_000;
const slowMilliseconds = 3_000;

/**
 * Shows `rows` in `columns`.
 *
 * Properties: `rows` (a new array whenever something changed), `columns` (see below), `rowKey(row)`, `link(row)` (where
 * Enter leads), `state` (`{q, sort}`), `onState(state)`, `label`, `empty`, `tools` (views beside the filter),
 * `isBox` (with a limited height, for use inside a longer page), `hasNoFilter`.
 *
 * A column: `{id, title, cell(row), value(row), isNumber, priority, width, text(row)}`. `value` makes it sortable; `text`
 * is searched by the filter, and is `value` if not given; priority 2 and 3 go first on narrow screens.
 */
export class Table {
  #element;
  #scroller;
  #head;
  #body;
  #tools;
  #empty;
  #props;
  #shown = [];
  #basis = {};
  #current = -1;
  #resize;

  constructor(element, props) {
    this.#element = element;
    element.classList.add('table');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#scroller = document.createElement('div');
    this.#scroller.className = 'scroller';
    this.#scroller.tabIndex = 0;
    const table = document.createElement('table');
    this.#head = document.createElement('thead');
    this.#body = document.createElement('tbody');
    table.append(this.#head, this.#body);
    this.#empty = document.createElement('div');
    this.#empty.className = 'empty';
    this.#scroller.append(table, this.#empty);
    element.append(this.#tools, this.#scroller);
    this.#scroller.addEventListener('scroll', () => this.#drawRows(), { passive: true });
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    this.#resize = new ResizeObserver(() => this.#drawRows());
    this.#resize.observe(this.#scroller);
    this.update(props);
  }

  destroy() {
    this.#resize.disconnect();
  }

  update(props) {
    this.#props = props;
    this.#element.classList.toggle('box', Boolean(props.isBox));
    this.#scroller.setAttribute('role', 'region');
    this.#scroller.setAttribute('aria-label', props.label);
    this.#order();
    this.#draw();
  }

  // MARK: Order

  /** Filters and sorts, unless nothing has changed that bears on it. */
  #order() {
    const { rows, columns, state } = this.#props;
    const basis = this.#basis;
    const isAsked = basis.q !== state.q || basis.sort !== state.sort;
    if (!isAsked && basis.rows === rows) return;
    if (!isAsked && rows.length > slowRowsMin && basis.rows?.length > rows.length / 2
      && Date.now() - basis.at < slowMilliseconds) return;
    const words = (state.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const searched = columns.filter((column) => column.text || column.value);
    let shown = words.length === 0 ? rows.slice() : rows.filter((row) => {
      const text = searchText(row, searched);
      return words.every((word) => text.includes(word));
    });
    const sort = state.sort || this.#props.defaultSort || '';
    const column = columns.find((one) => one.id === sort.replace(/^-/, ''));
    if (column?.value) {
      const direction = sort.startsWith('-') ? -1 : 1;
      const keyed = shown.map((row, index) => ({ row, index, value: sortKey(column.value(row)) }));
      keyed.sort((a, b) => direction * compare(a.value, b.value) || a.index - b.index);
      shown = keyed.map((entry) => entry.row);
    }
    const current = this.#shown[this.#current];
    this.#shown = shown;
    if (current) {
      const key = this.#props.rowKey(current);
      this.#current = shown.findIndex((row) => this.#props.rowKey(row) === key);
    }
    this.#basis = { rows, q: state.q, sort: state.sort, at: Date.now() };
    if (rows.length > slowRowsMin) this.#prepareSearch(rows, searched, 0);
  }

  /** Makes the texts that a filter will look through while nobody waits for anything. */
  #prepareSearch(rows, columns, from) {
    if (rows !== this.#basis.rows || !globalThis.requestIdleCallback) return;
    requestIdleCallback((deadline) => {
      let next = from;
      while (next < rows.length && deadline.timeRemaining() > 2) searchText(rows[next++], columns);
      if (next < rows.length) this.#prepareSearch(rows, columns, next);
    });
  }

  #ask(change) {
    this.#props.onState({ ...this.#props.state, ...change });
  }

  // MARK: Drawing

  #draw() {
    const { rows, columns, state, label, tools } = this.#props;
    const all = rows.length;
    const some = this.#shown.length;
    patch(this.#tools, this.#props.hasNoFilter ? [] : [
      h('input', {
        key: 'filter', type: 'search', class: 'filter', placeholder: 'Filter', 'aria-label': `Filter ${label}`,
        value: state.q ?? '', spellcheck: 'false', autocomplete: 'off',
        oninput: (event) => this.#ask({ q: event.target.value }),
        onkeydown: (event) => {
          if (event.key === 'ArrowDown') this.#scroller.focus();
        },
      }),
      h('span', { key: 'count', class: 'quiet', role: 'status' },
        some === all ? number(all) : `${number(some)} of ${number(all)}`),
      tools,
    ]);
    const sort = state.sort || this.#props.defaultSort || '';
    patch(this.#head, h('tr', {}, columns.map((column) => {
      const isSorted = sort.replace(/^-/, '') === column.id;
      const isDown = sort.startsWith('-');
      return h('th', {
        key: column.id, scope: 'col', class: columnClass(column), style: column.width ? { '--width': column.width } : {},
        'aria-sort': isSorted ? (isDown ? 'descending' : 'ascending') : null,
      }, column.value
        ? h('button', {
          class: 'sort', onclick: () => this.#ask({ sort: nextSort(column, isSorted, isDown) }),
        }, column.title, h('span', { class: 'arrow', 'aria-hidden': 'true' }, isSorted ? (isDown ? ' ↓' : ' ↑') : ''))
        : column.title);
    })));
    if (this.#props.isBox) {
      // Enough for what there is; a message in its place takes what it needs.
      this.#scroller.style.setProperty('height', some === 0 ? 'auto' : `${Math.min(some, 14) * rowHeight + 40}px`);
    }
    this.#drawRows();
  }

  #drawRows() {
    const { columns, rowKey, empty } = this.#props;
    const count = this.#shown.length;
    const first = Math.max(0, Math.floor(this.#scroller.scrollTop / rowHeight) - spareRows);
    const visible = Math.ceil((this.#scroller.clientHeight || 600) / rowHeight);
    const end = Math.min(count, first + visible + 2 * spareRows);
    const start = Math.min(first, Math.max(0, end - visible));
    const rows = this.#shown.slice(start, end).map((row, index) => {
      const position = start + index;
      return h('tr', {
        key: `row ${rowKey(row)}`, class: position === this.#current ? 'current' : '', 'aria-rowindex': position + 2,
        onclick: (event) => this.#clicked(event, position),
      }, columns.map((column) => h('td', { class: columnClass(column) }, column.cell(row))));
    });
    patch(this.#empty, count > 0 ? [] : this.#props.rows.length === 0 ? empty ?? '' : 'Nothing matches the filter.');
    patch(this.#body, [spacer('above', start), ...rows, spacer('below', count - end)]);
  }

  // MARK: Hands

  /** The whole row leads where its link leads, but text in it can be selected. */
  #clicked(event, position) {
    this.#current = position;
    if (event.target.closest('a, button') || String(getSelection())) return this.#drawRows();
    this.#open(position);
  }

  #open(position) {
    const target = this.#props.link?.(this.#shown[position]);
    if (target) location.hash = target;
  }

  #key(event) {
    if (event.target !== this.#scroller || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / rowHeight) - 2);
    const last = this.#shown.length - 1;
    const targets = {
      ArrowDown: this.#current + 1, j: this.#current + 1, ArrowUp: this.#current - 1, k: this.#current - 1,
      PageDown: this.#current + page, PageUp: this.#current - page, Home: 0, End: last,
    };
    if (event.key === 'Enter' && this.#current >= 0) return this.#open(this.#current);
    if (!(event.key in targets) || last < 0) return;
    event.preventDefault();
    this.#current = Math.min(last, Math.max(0, targets[event.key]));
    const top = this.#current * rowHeight;
    const room = this.#scroller.clientHeight - 2 * rowHeight;
    if (top < this.#scroller.scrollTop) this.#scroller.scrollTop = top;
    else if (top > this.#scroller.scrollTop + room) this.#scroller.scrollTop = top - room;
    this.#drawRows();
  }
}

function spacer(key, rows) {
  return h('tr', { key, class: 'spacer', 'aria-hidden': 'true', style: { height: `${rows * rowHeight}px` } });
}

function columnClass(column) {
  return [column.isNumber && 'number', column.priority && `priority${column.priority}`].filter(Boolean).join(' ');
}

/** Numbers begin with the largest. A third press goes back to the order of the list. */
function nextSort(column, isSorted, isDown) {
  if (!isSorted) return column.isNumber ? `-${column.id}` : column.id;
  return isDown ? column.id : `-${column.id}`;
}

/** A hundred thousand comparisons by the rules of a language take a second; of prepared texts, next to nothing. */
function sortKey(value) {
  if (typeof value === 'number') return value;
  // host9 comes before host10.
  return String(value ?? '').toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What the filter looks through, by row; made once for each. */
const searchTexts = new WeakMap();

function searchText(row, columns) {
  let text = searchTexts.get(row);
  if (text === undefined) {
    text = columns.map((column) => (column.text ?? column.value)(row) ?? '').join('\n').toLowerCase();
    searchTexts.set(row, text);
  }
  return text;
}
