// The connection: shows its state, and wakes the engine when it should connect at once.

import { CLOSE_TAKEN_OVER, COMMAND_LEAVE, COMMAND_WAKE } from '../codes.js';
import { core } from '../core.js';
import { writeAttribute } from '../dom/attributes.js';
import { runCommand } from '../glue.js';
import { enqueue, queueCommand } from './commands.js';
import { defer } from './reports.js';

const page = document.documentElement;

/** The least time between two attempts that touches and keys start, in milliseconds. */
const WAKE_INTERVAL_MS = 1000;

/** The state of the connection. @type {import('../client.js').LiveConnection} */
export const connectionInfo = { status: 'connecting', attempt: 0, code: 0, queued: 0 };

/** Shows changes of the state. @param {Partial<typeof connectionInfo>} changes */
export const setConnection = changes => {
  const { status, queued } = Object.assign(connectionInfo, changes);
  writeAttribute(page, 'live-connection', status);
  writeAttribute(page, 'live-queued', /** @type {any} */ (queued || null));
  page.classList.toggle('live-offline', status != 'connected');
  console.debug('live:', status, { ...connectionInfo });
  defer(() => document.dispatchEvent(new CustomEvent('live:connection', { detail: { ...connectionInfo } })));
};

/** Returns the address of the socket. */
export const socketUrl = () => {
  const url = new URL('.', import.meta.url);
  return (url.protocol == 'https:' ? 'wss:' : 'ws:') + '//' + url.host + url.pathname.replace(/\/$/, '');
};

/** Connects now, or checks the connection. */
export const wake = () => queueCommand(COMMAND_WAKE);

writeAttribute(page, 'live-connection', 'connecting');
page.classList.add('live-offline');
addEventListener('online', wake);
addEventListener('pageshow', event => { if (event.persisted) wake(); });
addEventListener('pagehide', event => enqueue(() => runCommand(COMMAND_LEAVE, 0, /** @type {any} */ (!event.persisted && !core.storeQueue?.()))));
document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });
// The next touch or key takes back a session that another page took, and cuts short a pause between
// attempts.
let wokenAt = 0;
for (const type of ['pointerdown', 'keydown']) {
  addEventListener(type, event => {
    const { status, code } = connectionInfo;
    if (status == 'connected' || (status == 'stopped' ? code != CLOSE_TAKEN_OVER : event.timeStamp - wokenAt < WAKE_INTERVAL_MS)) return;
    wokenAt = event.timeStamp;
    wake();
  }, true);
}
