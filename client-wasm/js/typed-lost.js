// Reports text that could not be restored.

/**
 * What was typed into a control. `keys` are the keys of the rows around it, as JSON.
 *
 * @typedef {object} LostText
 * @property {string} name
 * @property {string} type
 * @property {unknown} value
 * @property {string} [property]
 * @property {string[]} [keys]
 */

/**
 * Dispatches `live:error` with the code `typed_lost`. It does not contain a password.
 *
 * @param {Element | Document} element
 * @param {LostText} control
 */
export const reportTypedLost = (element, { name, type, value, property, keys = [] }) => {
  const message = 'what was typed could not be put back';
  const details = { field: name || property || '', value: type == 'password' ? null : value, property, keys: keys.map(key => JSON.parse(key)) };
  const detail = { action: '', code: 'typed_lost', message, details };
  element.dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true }));
};
