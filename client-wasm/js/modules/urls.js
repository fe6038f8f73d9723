// Bound URLs, and `xlink:` attributes.

import { ATTRIBUTE_URL } from '../codes.js';

/**
 * Checks whether following the URL, or loading it, could run a script. Reads the URL as a browser
 * does. The same check is in template/src/url.rs.
 *
 * @param {string} url
 */
const isScript = url => /^(javascript|vbscript):|^data:(?!image\/(png|gif|jpeg|webp|avif|bmp|x-icon)([;,]|$))/i.test(url.replace(/^[\0- ]+|[\t\n\r]/g, ''));

/** @type {Module} */
export default core => {
  core.isSafeUrl = (value, kind) => !(kind == ATTRIBUTE_URL ? [value] : value.split(/[\s,]/)).some(isScript);

  core.setLinkAttribute = (node, name, value) => {
    if (!name.startsWith('xlink:')) return false;
    node.setAttributeNS('http://www.w3.org/1999/xlink', name, value);
    return true;
  };

  return true;
};
