// A shell beside a task, in the task's container: the agent runs it as a nested container session.
import { reachAgent } from './agentlink.js';
import { RecordReader } from './net.js';

// Whichever shell there is; bash if it is.
const shell = 'command -v bash >/dev/null 2>&1 && exec bash; exec sh';
/** What is typed goes to the agent in requests of at most this size, one after another. */
const inputMax = 64 << 10;

export class Session {
  #agent;
  #id;
  #events;
  #abort = new AbortController();
  #isOver = false;
  /** Records that wait for the request before them. */
  #waiting = [];
  #isSending = false;

  /**
   * @param parent The id of the task's container.
   * @param events `onOutput(bytes)`, and once `onEnd(text, isBad)`.
   */
  constructor(agent, parent, events) {
    this.#agent = agent;
    this.#id = { value: crypto.randomUUID?.() ?? `web-${Date.now()}-${Math.floor(Math.random() * 1e9)}`, parent: { value: parent } };
    this.#events = events;
  }

  /** Runs until the shell has ended. */
  async run(rows, columns) {
    try {
      const response = await this.#call({
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: {
          container_id: this.#id,
          command: { value: shell, shell: true, environment: { variables: [{ name: 'TERM', value: 'xterm-256color' }] } },
          container: { type: 'MESOS', tty_info: { window_size: { rows, columns } } },
        },
      }, { signal: this.#abort.signal, headers: { Accept: 'application/recordio', 'Message-Accept': 'application/json' } });
      if (!response.ok) throw new Error((await response.text()) || `the agent answers with status ${response.status}`);
      await this.#read(response.body.getReader());
      await this.#finish();
    } catch (error) {
      this.#end(error.message, true);
    }
  }

  async #read(reader) {
    const records = new RecordReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const record of records.take(value)) {
        const { data } = JSON.parse(record);
        if (data?.data) this.#events.onOutput(Uint8Array.from(atob(data.data), (character) => character.charCodeAt(0)));
      }
    }
  }

  /** Asks how it ended, and has the agent forget it. */
  async #finish() {
    const wait = await this.#call({ type: 'WAIT_NESTED_CONTAINER', wait_nested_container: { container_id: this.#id } });
    const status = wait.ok ? (await wait.json()).wait_nested_container?.exit_status : undefined;
    this.#call({ type: 'REMOVE_NESTED_CONTAINER', remove_nested_container: { container_id: this.#id } }).catch(() => {});
    const signal = status & 0x7f;
    this.#end(status === undefined ? 'The shell has ended.' : signal ? `The shell was ended by signal ${signal}.`
      : `The shell has ended with status ${(status >> 8) & 0xff}.`, false);
  }

  #end(text, isBad) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onEnd(text, isBad);
  }

  /** Without its reader the shell ends, with everything it has started. */
  close() {
    this.#isOver = true;
    this.#abort.abort();
  }

  type(text) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += inputMax / 2) {
      const part = bytes.subarray(at, at + inputMax / 2);
      let binary = '';
      for (const byte of part) binary += String.fromCharCode(byte);
      this.#send({ type: 'DATA', data: { type: 'STDIN', data: btoa(binary) } });
    }
  }

  resize(rows, columns) {
    this.#send({ type: 'CONTROL', control: { type: 'TTY_INFO', tty_info: { window_size: { rows, columns } } } });
  }

  #send(message) {
    this.#waiting.push(record({
      type: 'ATTACH_CONTAINER_INPUT', attach_container_input: { type: 'PROCESS_IO', process_io: message },
    }));
    if (!this.#isSending) this.#sendAll();
  }

  /** A browser cannot send a request bit by bit: whatever was typed while one was under way goes into the next. */
  async #sendAll() {
    this.#isSending = true;
    const first = record({
      type: 'ATTACH_CONTAINER_INPUT', attach_container_input: { type: 'CONTAINER_ID', container_id: this.#id },
    });
    while (this.#waiting.length > 0 && !this.#isOver) {
      let body = first;
      while (this.#waiting.length > 0 && body.length < inputMax) body += this.#waiting.shift();
      try {
        const response = await reachAgent(this.#agent, '/api/v1', {
          method: 'POST', body, headers: { 'Content-Type': 'application/recordio', 'Message-Content-Type': 'application/json' },
        });
        if (!response.ok && !this.#isOver) this.#refuse(await response.text());
      } catch (error) {
        this.#refuse(error.message);
      }
    }
    this.#isSending = false;
  }

  /** What cannot be typed is lost; a shell whose end is near tells the reason itself. */
  #refuse(reason) {
    if (!this.#isOver) this.#events.onOutput(new TextEncoder().encode(`\r\n[not sent: ${reason.slice(0, 200)}]\r\n`));
  }

  #call(call, { headers = {}, signal } = {}) {
    return reachAgent(this.#agent, '/api/v1', {
      method: 'POST', body: JSON.stringify(call), headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers },
      signal,
    });
  }
}

/** Of ASCII only: what is not is escaped, so characters are bytes. */
function record(message) {
  const text = JSON.stringify(message).replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${text.length}\n${text}`;
}
