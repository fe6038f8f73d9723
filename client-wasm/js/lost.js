// What is told of text that could not be put back.

/** Sends `live:error` with the code `typed_lost`. A password is not named. */
export const lost = (element, { name, type, value }) => {
  const message = 'what was typed could not be put back';
  const details = { field: name, value: type == 'password' ? null : value };
  const detail = { action: '', code: 'typed_lost', message, details };
  element.dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true }));
};
