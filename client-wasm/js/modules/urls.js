// Bound URLs, routes, and `xlink:` attributes.

import { ATTRIBUTE_ROUTE, ATTRIBUTE_URL } from '../codes.js';

/**
 * Checks whether following the URL, or loading it, could run a script. Reads the URL as a browser
 * does. The same check is in template/src/url.rs.
 *
 * @param {string} url
 */
const isScript = url => /^(javascript|vbscript):|^data:(?!image\/(png|gif|jpeg|webp|avif|bmp|x-icon)([;,]|$))/i.test(url.replace(/^[\0- ]+|[\t\n\r]/g, ''));

/**
 * Returns the URL of a route's parts: the number of parameters in its path, then texts of the URL,
 * each followed by the value behind it. The same is in template/src/route.rs.
 *
 * @param {string[]} parts
 */
const joined = ([inPath, ...parts]) => {
  let url = '';
  for (let at = 0; at < parts.length; at += 2) {
    const [text, value] = parts.slice(at);
    if (at < 2 * +inPath && /^\.{0,2}$/.test(value)) return null;
    url += text + encodeURIComponent(value).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  }
  return url;
};

/** @type {Module} */
export default core => {
  core.boundUrl = (url, kind, parts) => kind == ATTRIBUTE_ROUTE ? joined(JSON.parse(parts))
    : (kind == ATTRIBUTE_URL ? [url] : url.split(/[\s,]/)).some(isScript) ? null : url;

  core.setLinkAttribute = (node, name, value) => {
    if (!name.startsWith('xlink:')) return false;
    node.setAttributeNS('http://www.w3.org/1999/xlink', name, value);
    return true;
  };

  return true;
};
