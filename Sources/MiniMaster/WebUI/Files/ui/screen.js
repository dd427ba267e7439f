// What a terminal shows: takes what programs print and keeps lines of characters with their looks. Knows nothing of the page.
// The control sequences are those of xterm that full-screen programs use (ECMA-48, and DEC's private modes).

const scrollbackMax = 2_000;
const parametersMax = 32;
const textMax = 4_096;

/** Looks are shared: each is made once, and cells refer to it. */
const plain = Object.freeze({ fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, inverse: false });

/** DEC's line drawing characters, from the back quote on. */
const lineDrawing = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·';

export class Screen {
  /**
   * @param reply Called with text that the terminal answers to a program that asks.
   */
  constructor(rows, columns, reply = () => {}) {
    this.rows = rows;
    this.columns = columns;
    this.#reply = reply;
    this.reset();
  }

  #reply;
  #state;
  #parameters;
  #text;
  #charset;
  #styles;
  #saved;
  #other;
  #last;

  reset() {
    /** The lines that are seen; each `{ cells: [{ text, style }], isChanged }`. */
    this.lines = this.#blankLines(this.rows);
    /** Lines that have left at the top, oldest first, since they were last taken by `takeScrolled`. */
    this.scrolled = [];
    this.cursor = { row: 0, column: 0 };
    this.isCursorShown = true;
    /** Whether arrow keys are to be sent the other way. */
    this.hasApplicationKeys = false;
    this.hasBracketedPaste = false;
    this.isAlternate = false;
    this.style = plain;
    this.#styles = new Map([[JSON.stringify(plain), plain]]);
    this.#state = 'ground';
    this.#parameters = '';
    this.#text = '';
    this.#charset = { G: [false, false], active: 0 };
    this.#saved = null;
    this.#other = null;
    this.#last = '';
    this.isInserting = false;
    this.isWrapping = true;
    this.isOriginRelative = false;
    /** A character in the last column: the next one begins a line. */
    this.isWrapPending = false;
    this.top = 0;
    this.bottom = this.rows - 1;
    this.tabs = new Set();
    for (let column = 8; column < 1_000; column += 8) this.tabs.add(column);
  }

  /** The lines that have left at the top since the last time. */
  takeScrolled() {
    const lines = this.scrolled;
    this.scrolled = [];
    return lines;
  }

  /** The text that is seen, line by line. */
  get text() {
    return this.lines.map(lineText).join('\n');
  }

  resize(rows, columns) {
    const fit = (lines) => {
      for (const line of lines) {
        line.cells.length = Math.min(line.cells.length, columns);
        while (line.cells.length < columns) line.cells.push(blank(plain));
        line.isChanged = true;
      }
      while (lines.length < rows) lines.push(newLine(columns));
      return lines;
    };
    // What no longer fits leaves at the top, but never the line the cursor is in.
    while (this.lines.length > rows) {
      if (this.cursor.row < rows && this.lines.length - 1 > this.cursor.row) this.lines.pop();
      else {
        this.#leave(this.lines.shift());
        this.cursor.row -= 1;
      }
    }
    this.rows = rows;
    this.columns = columns;
    fit(this.lines);
    if (this.#other) {
      while (this.#other.lines.length > rows) this.#other.lines.shift();
      fit(this.#other.lines);
    }
    this.top = 0;
    this.bottom = rows - 1;
    this.#moveTo(this.cursor.row, this.cursor.column);
  }

  write(text) {
    for (const character of text) this.#take(character);
  }

  // MARK: Characters and sequences

  #take(character) {
    const code = character.codePointAt(0);
    if (this.#state === 'string') return this.#takeString(character, code);
    if (code === 0x1b) {
      this.#state = 'escape';
      this.#parameters = '';
      return undefined;
    }
    // Control characters act in the middle of sequences, too.
    if (code < 0x20) return this.#control(code);
    if (code === 0x7f) return undefined;
    switch (this.#state) {
      case 'escape': return this.#escape(character);
      case 'charset': return this.#chooseCharset(character);
      case 'ignore':
        this.#state = 'ground';
        return undefined;
      case 'sequence': return this.#sequence(character, code);
      default: return this.#print(character, code);
    }
  }

  /** Titles and the like, up to BEL or ESC \. Nothing in them is shown. */
  #takeString(character, code) {
    if (code === 0x07 || (character === '\\' && this.#text.endsWith('\x1b')) || code === 0x18) {
      this.#state = 'ground';
      this.#text = '';
    } else {
      this.#text = (this.#text + character).slice(-textMax);
    }
  }

  #control(code) {
    switch (code) {
      case 0x08:
        this.isWrapPending = false;
        this.cursor.column = Math.max(0, this.cursor.column - 1);
        break;
      case 0x09: {
        let column = this.cursor.column + 1;
        while (column < this.columns - 1 && !this.tabs.has(column)) column += 1;
        this.cursor.column = Math.min(column, this.columns - 1);
        break;
      }
      case 0x0a: case 0x0b: case 0x0c: this.#lineFeed(); break;
      case 0x0d:
        this.isWrapPending = false;
        this.cursor.column = 0;
        break;
      case 0x0e: this.#charset.active = 1; break;
      case 0x0f: this.#charset.active = 0; break;
      case 0x18: case 0x1a: this.#state = 'ground'; break;
      default: break;
    }
  }

  #escape(character) {
    this.#state = 'ground';
    switch (character) {
      case '[':
        this.#state = 'sequence';
        break;
      case ']': case 'P': case '_': case '^': case 'X':
        this.#state = 'string';
        this.#text = '';
        break;
      case '(': case ')':
        this.#state = 'charset';
        this.#parameters = character;
        break;
      case '*': case '+': case '-': case '.': case '/': case '#': case '%': case ' ':
        this.#state = 'ignore';
        break;
      case '7': this.#save(); break;
      case '8': this.#restore(); break;
      case 'D': this.#lineFeed(); break;
      case 'E':
        this.cursor.column = 0;
        this.#lineFeed();
        break;
      case 'H': this.tabs.add(this.cursor.column); break;
      case 'M': this.#reverseLineFeed(); break;
      case 'c': this.reset(); break;
      default: break;
    }
  }

  #chooseCharset(character) {
    this.#charset.G[this.#parameters === '(' ? 0 : 1] = character === '0';
    this.#state = 'ground';
  }

  #sequence(character, code) {
    if (code >= 0x20 && code <= 0x3f) {
      if (this.#parameters.length < 200) this.#parameters += character;
      return;
    }
    this.#state = 'ground';
    const [, mark, numbers, between] = /^([<-?]?)([0-9;:]*)(.*)$/.exec(this.#parameters);
    const list = numbers.split(';', parametersMax).map((one) => (one === '' ? null : Math.min(Number.parseInt(one, 10) || 0, 9_999)));
    if (between) {
      // Soft reset; whatever else has something in between asks for what is not here.
      if (between === '!' && character === 'p') this.#softReset();
      return;
    }
    if (mark === '?') this.#privateMode(character, list);
    else if (mark === '>' && character === 'c') this.#reply('\x1b[>0;1;0c');
    else if (mark === '') this.#command(character, list, numbers);
  }

  #command(character, list, numbers) {
    const count = Math.max(1, list[0] ?? 1);
    const { row, column } = this.cursor;
    switch (character) {
      case '@': this.#insertCells(count); break;
      case 'A': this.#moveTo(Math.max(row - count, row >= this.top ? this.top : 0), column); break;
      case 'B': case 'e': this.#moveTo(Math.min(row + count, row <= this.bottom ? this.bottom : this.rows - 1), column); break;
      case 'C': case 'a': this.#moveTo(row, column + count); break;
      case 'D': this.#moveTo(row, column - count); break;
      case 'E': this.#moveTo(Math.min(row + count, this.bottom), 0); break;
      case 'F': this.#moveTo(Math.max(row - count, this.top), 0); break;
      case 'G': case '`': this.#moveTo(row, count - 1); break;
      case 'H': case 'f': this.#moveTo(count - 1 + this.#origin, Math.max(1, list[1] ?? 1) - 1); break;
      case 'I': for (let step = 0; step < Math.min(count, this.columns); step += 1) this.#control(0x09); break;
      case 'J': this.#eraseInDisplay(list[0] ?? 0); break;
      case 'K': this.#eraseInLine(list[0] ?? 0); break;
      case 'L': this.#scrollWithin(row, -count); break;
      case 'M': this.#scrollWithin(row, count); break;
      case 'P': this.#deleteCells(count); break;
      case 'S': this.#scroll(Math.min(count, this.rows)); break;
      case 'T': this.#scroll(-Math.min(count, this.rows)); break;
      case 'X': this.#erase(row, column, column + count); break;
      case 'Z': for (let step = 0; step < Math.min(count, this.columns); step += 1) this.#tabBack(); break;
      case 'b': for (let step = 0; step < Math.min(count, this.columns * this.rows); step += 1) this.write(this.#last); break;
      case 'c': this.#reply('\x1b[?1;2c'); break;
      case 'd': this.#moveTo(count - 1 + this.#origin, column); break;
      case 'g':
        if ((list[0] ?? 0) === 3) this.tabs.clear();
        else this.tabs.delete(column);
        break;
      case 'h': case 'l': if (list.includes(4)) this.isInserting = character === 'h'; break;
      case 'm': this.#look(list, numbers); break;
      case 'n':
        if (list[0] === 5) this.#reply('\x1b[0n');
        if (list[0] === 6) this.#reply(`\x1b[${row - this.#origin + 1};${column + 1}R`);
        break;
      case 'r': {
        const top = Math.max(1, list[0] ?? 1) - 1;
        const bottom = Math.min(this.rows, list[1] || this.rows) - 1;
        if (top < bottom) {
          this.top = top;
          this.bottom = bottom;
          this.#moveTo(this.#origin, 0);
        }
        break;
      }
      case 's': this.#save(); break;
      case 'u': this.#restore(); break;
      default: break;
    }
  }

  get #origin() {
    return this.isOriginRelative ? this.top : 0;
  }

  #privateMode(character, list) {
    const isOn = character === 'h';
    if (!isOn && character !== 'l') return;
    for (const mode of list) {
      switch (mode) {
        case 1: this.hasApplicationKeys = isOn; break;
        case 6:
          this.isOriginRelative = isOn;
          this.#moveTo(this.#origin, 0);
          break;
        case 7: this.isWrapping = isOn; break;
        case 25: this.isCursorShown = isOn; break;
        case 47: case 1047: this.#alternate(isOn); break;
        case 1048:
          if (isOn) this.#save();
          else this.#restore();
          break;
        case 1049:
          if (isOn) this.#save();
          this.#alternate(isOn);
          if (!isOn) this.#restore();
          break;
        case 2004: this.hasBracketedPaste = isOn; break;
        default: break;
      }
    }
  }

  #softReset() {
    this.isCursorShown = true;
    this.isOriginRelative = false;
    this.isInserting = false;
    this.isWrapping = true;
    this.hasApplicationKeys = false;
    this.top = 0;
    this.bottom = this.rows - 1;
    this.style = plain;
    this.#charset = { G: [false, false], active: 0 };
  }

  /** Full-screen programs have a screen of their own; what was there before comes back. */
  #alternate(isOn) {
    if (isOn === this.isAlternate) return;
    this.isAlternate = isOn;
    if (isOn) {
      this.#other = { lines: this.lines };
      this.lines = this.#blankLines(this.rows);
    } else {
      this.lines = this.#other.lines;
      this.#other = null;
    }
    this.#changeAll();
  }

  #save() {
    this.#saved = {
      cursor: { ...this.cursor }, style: this.style, isOriginRelative: this.isOriginRelative,
      charset: { G: [...this.#charset.G], active: this.#charset.active },
    };
  }

  #restore() {
    const saved = this.#saved ?? {
      cursor: { row: 0, column: 0 }, style: plain, isOriginRelative: false, charset: { G: [false, false], active: 0 },
    };
    this.style = saved.style;
    this.isOriginRelative = saved.isOriginRelative;
    this.#charset = { G: [...saved.charset.G], active: saved.charset.active };
    this.#moveTo(saved.cursor.row, saved.cursor.column);
  }

  // MARK: Looks

  #look(list, numbers) {
    // With colons, as newer programs write it, a colour's parts belong together.
    const parts = numbers.includes(':') ? numbers.split(/[;:]/, parametersMax).map((one) => Number.parseInt(one, 10) || 0)
      : list.map((one) => one ?? 0);
    const style = { ...this.style };
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index];
      if (part === 0) Object.assign(style, plain);
      else if (part === 1) style.bold = true;
      else if (part === 2) style.dim = true;
      else if (part === 3) style.italic = true;
      else if (part === 4 || part === 21) style.underline = true;
      else if (part === 7) style.inverse = true;
      else if (part === 22) style.bold = style.dim = false;
      else if (part === 23) style.italic = false;
      else if (part === 24) style.underline = false;
      else if (part === 27) style.inverse = false;
      else if (part >= 30 && part <= 37) style.fg = part - 30;
      else if (part === 39) style.fg = null;
      else if (part >= 40 && part <= 47) style.bg = part - 40;
      else if (part === 49) style.bg = null;
      else if (part >= 90 && part <= 97) style.fg = part - 82;
      else if (part >= 100 && part <= 107) style.bg = part - 92;
      else if (part === 38 || part === 48) {
        const name = part === 38 ? 'fg' : 'bg';
        if (parts[index + 1] === 5) {
          style[name] = palette(parts[index + 2] ?? 0);
          index += 2;
        } else if (parts[index + 1] === 2) {
          style[name] = rgb(parts.slice(index + 2, index + 5));
          index += 4;
        }
      }
    }
    const key = JSON.stringify(style);
    if (!this.#styles.has(key)) {
      if (this.#styles.size > 4_096) this.#styles.clear();
      this.#styles.set(key, Object.freeze(style));
    }
    this.style = this.#styles.get(key);
  }

  // MARK: Cells

  #print(character, code) {
    let text = character;
    if (this.#charset.G[this.#charset.active] && code >= 0x60 && code <= 0x7e) text = lineDrawing[code - 0x60];
    const width = code < 0x300 ? 1 : widthOf(character, code);
    if (width === 0) return this.#combine(text);
    if (this.isWrapPending || this.cursor.column + width > this.columns) {
      if (this.isWrapping) {
        this.cursor.column = 0;
        this.#lineFeed();
      } else {
        this.cursor.column = Math.max(0, this.columns - width);
      }
      this.isWrapPending = false;
    }
    const line = this.lines[this.cursor.row];
    if (this.isInserting) this.#insertCells(width);
    line.cells[this.cursor.column] = { text, style: this.style };
    if (width === 2 && this.cursor.column + 1 < this.columns) line.cells[this.cursor.column + 1] = { text: '', style: this.style };
    line.isChanged = true;
    this.#last = character;
    if (this.cursor.column + width >= this.columns) {
      this.cursor.column = this.columns - 1;
      this.isWrapPending = this.isWrapping;
    } else {
      this.cursor.column += width;
    }
    return undefined;
  }

  /** An accent belongs to the character before it. */
  #combine(text) {
    const line = this.lines[this.cursor.row];
    let column = this.isWrapPending ? this.cursor.column : this.cursor.column - 1;
    if (column > 0 && line.cells[column].text === '') column -= 1;
    if (column < 0 || line.cells[column].text.length > 16) return;
    line.cells[column] = { text: line.cells[column].text + text, style: line.cells[column].style };
    line.isChanged = true;
  }

  #moveTo(row, column) {
    this.isWrapPending = false;
    const top = this.isOriginRelative ? this.top : 0;
    const bottom = this.isOriginRelative ? this.bottom : this.rows - 1;
    this.cursor.row = Math.min(Math.max(row, top), bottom);
    this.cursor.column = Math.min(Math.max(column, 0), this.columns - 1);
  }

  #tabBack() {
    let column = this.cursor.column - 1;
    while (column > 0 && !this.tabs.has(column)) column -= 1;
    this.cursor.column = Math.max(0, column);
  }

  #lineFeed() {
    this.isWrapPending = false;
    if (this.cursor.row === this.bottom) this.#scroll(1);
    else if (this.cursor.row < this.rows - 1) this.cursor.row += 1;
  }

  #reverseLineFeed() {
    this.isWrapPending = false;
    if (this.cursor.row === this.top) this.#scroll(-1);
    else if (this.cursor.row > 0) this.cursor.row -= 1;
  }

  /** Moves the lines of the scrolling region up, or down if `count` is negative. */
  #scroll(count) {
    for (let step = 0; step < Math.abs(count); step += 1) {
      if (count > 0) {
        const [line] = this.lines.splice(this.top, 1);
        this.lines.splice(this.bottom, 0, newLine(this.columns, this.#blankStyle));
        if (this.top === 0) this.#leave(line);
      } else {
        this.lines.splice(this.bottom, 1);
        this.lines.splice(this.top, 0, newLine(this.columns, this.#blankStyle));
      }
    }
    this.#changeAll();
  }

  /** Takes lines out at a row, or puts some in if `count` is negative. */
  #scrollWithin(row, count) {
    if (row < this.top || row > this.bottom) return;
    const top = this.top;
    this.top = row;
    const isFirst = row === 0;
    // Lines that are deleted are not history.
    const kept = this.scrolled.length;
    this.#scroll(Math.sign(count) * Math.min(Math.abs(count), this.bottom - row + 1));
    if (isFirst) this.scrolled.length = kept;
    this.top = top;
    this.cursor.column = 0;
    this.isWrapPending = false;
  }

  #leave(line) {
    if (this.isAlternate) return;
    this.scrolled.push(line);
    if (this.scrolled.length > scrollbackMax) this.scrolled.shift();
  }

  #eraseInDisplay(what) {
    const { row, column } = this.cursor;
    if (what === 3) return;
    const from = what === 0 ? row + 1 : 0;
    const until = what === 1 ? row : this.rows;
    for (let index = from; index < until; index += 1) this.#erase(index, 0, this.columns);
    if (what === 0) this.#erase(row, column, this.columns);
    if (what === 1) this.#erase(row, 0, column + 1);
  }

  #eraseInLine(what) {
    const { row, column } = this.cursor;
    this.#erase(row, what === 0 ? column : 0, what === 1 ? column + 1 : this.columns);
  }

  #erase(row, from, until) {
    const line = this.lines[row];
    const style = this.#blankStyle;
    for (let column = from; column < Math.min(until, this.columns); column += 1) line.cells[column] = blank(style);
    line.isChanged = true;
    this.isWrapPending = false;
  }

  #insertCells(count) {
    const line = this.lines[this.cursor.row];
    const style = this.#blankStyle;
    const added = Array.from({ length: Math.min(count, this.columns - this.cursor.column) }, () => blank(style));
    line.cells.splice(this.cursor.column, 0, ...added);
    line.cells.length = this.columns;
    line.isChanged = true;
  }

  #deleteCells(count) {
    const line = this.lines[this.cursor.row];
    const style = this.#blankStyle;
    line.cells.splice(this.cursor.column, Math.min(count, this.columns - this.cursor.column));
    while (line.cells.length < this.columns) line.cells.push(blank(style));
    line.isChanged = true;
  }

  /** What is erased takes the current background. */
  get #blankStyle() {
    return this.style.bg === null ? plain : this.style;
  }

  #blankLines(count) {
    return Array.from({ length: count }, () => newLine(this.columns));
  }

  #changeAll() {
    for (const line of this.lines) line.isChanged = true;
  }
}

export function lineText(line) {
  return line.cells.map((cell) => cell.text).join('').trimEnd();
}

function blank(style) {
  return { text: ' ', style };
}

function newLine(columns, style = plain) {
  return { cells: Array.from({ length: columns }, () => blank(style)), isChanged: true };
}

/** The first sixteen have names in the theme; the others are what every terminal makes of them. */
function palette(index) {
  if (index < 16) return index;
  if (index >= 232) return rgb(Array(3).fill(8 + 10 * (Math.min(index, 255) - 232)));
  const steps = [0, 95, 135, 175, 215, 255];
  const rest = index - 16;
  return rgb([steps[Math.floor(rest / 36)], steps[Math.floor(rest / 6) % 6], steps[rest % 6]]);
}

function rgb(parts) {
  return `#${[0, 1, 2].map((index) => Math.min(parts[index] || 0, 255).toString(16).padStart(2, '0')).join('')}`;
}

/** How many cells a character takes: none for accents and joiners, two for East Asian wide ones and emoji. */
function widthOf(character, code) {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  const isWide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0x303e) || (code >= 0x3041 && code <= 0xa4cf)
    || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f)
    || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1f64f)
    || (code >= 0x1f900 && code <= 0x1f9ff) || (code >= 0x20000 && code <= 0x3fffd);
  return isWide ? 2 : 1;
}
