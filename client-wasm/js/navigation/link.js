// The links that `live:navigate` follows.

export const NAVIGATE = 'live:navigate';

/** Returns the address without its fragment. @param {URL | Location} url */
export const pageOf = ({ pathname, search }) => pathname + search;

/**
 * Returns the link of an event that is followed without a load of the page, if there is one. The
 * browser itself follows links to other windows, other origins and files.
 *
 * @param {Event} event
 */
export const linkOf = event => {
  const link = /** @type {HTMLAnchorElement | undefined} */ (event.composedPath().find(node => node instanceof HTMLAnchorElement && node.href));
  // The origin of a `blob:` address is that of the page that made it.
  const isPage = link && /^https?:$/.test(link.protocol) && link.origin == location.origin && !link.username && !link.password;
  if (isPage && link.hasAttribute(NAVIGATE) && !link.hasAttribute('download') && /^(_self)?$/.test(link.target)) return link;
};

/** Checks whether a link is to another place in the page itself. @param {HTMLAnchorElement} link */
export const isWithinPage = ({ href, pathname, search }) => href.includes('#') && pathname + search == pageOf(location);

/**
 * Checks for a word in the value of a link's `live:navigate`.
 *
 * @param {Element} link
 * @param {string} word
 */
export const hasWord = (link, word) => /** @type {string} */ (link.getAttribute(NAVIGATE)).split(/\s+/).includes(word);
