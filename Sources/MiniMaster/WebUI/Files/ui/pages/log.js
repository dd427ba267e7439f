// The log of the master that answers.
import { h, widget } from '../dom.js';
import { LogView } from '../logview.js';
import { sources, use } from '../model.js';
import { getDocument } from '../net.js';

const path = '/master/log';

export class LogPage {
  title = 'Master’s log';
  #stopUsing = use('flags');

  stop() {
    this.#stopUsing();
  }

  view() {
    const flags = sources.flags.data;
    const heading = h('h1', {}, 'Log of this master');
    if (flags && !flags.log_dir && !flags.external_log_file) {
      return [heading, h('p', {}, 'It writes to standard error only. With --log_dir it can be read here.')];
    }
    return [heading, widget(LogView, {
      key: 'log', title: location.host, isGrowing: true, download: `/files/download?path=${path}`,
      read: async (offset, length) => (await getDocument(`/files/read?path=${path}${offset < 0 ? '' : `&offset=${offset}&length=${length}`}`)).data,
    }, 'section', { class: 'card tall' })];
  }
}
