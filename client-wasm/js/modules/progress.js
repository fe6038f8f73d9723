// What a navigation shows: a bar while it takes long, why it failed, and for screen readers the
// title of the new page. The elements are beside the body, which each navigation swaps, and their
// styles are set by CSSOM, which every Content-Security-Policy allows.

const BAR_AFTER_MS = 200, BAR_MS = 8000, FAILURE_MS = 10_000;
const page = document.documentElement;

/**
 * Adds an element with styles beside the body.
 *
 * @param {Partial<CSSStyleDeclaration>} style
 * @param {Record<string, string>} attributes
 */
const addElement = (style, attributes) => {
  const element = document.createElement('div');
  Object.assign(element.style, style);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  page.append(element);
  return element;
};

/** @type {Module} */
export default core => {
  const status = addElement(
    { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)', whiteSpace: 'nowrap' },
    { 'aria-live': 'polite', 'aria-atomic': 'true', class: 'live-announcement' });
  /** @type {HTMLElement | undefined} */
  let failure;
  /** The number of navigations that are under way. */
  let navigating = 0;
  const endFailure = () => failure?.remove();

  core.announcePage = () => {
    status.textContent = document.title || document.querySelector('h1')?.textContent || location.pathname;
  };

  core.showProgress = () => {
    endFailure();
    /** @type {HTMLElement | undefined} */
    let bar;
    navigating += 1;
    page.setAttribute('live-navigating', '');
    const timer = setTimeout(() => {
      bar = addElement({
        position: 'fixed', zIndex: '2147483647', top: '0', left: '0', width: '100%', height: 'var(--live-progress-height, 3px)',
        background: 'var(--live-progress-color, #2563eb)', transformOrigin: '0 0', pointerEvents: 'none',
      }, { class: 'live-progress', 'aria-hidden': 'true' });
      bar.animate({ transform: ['scaleX(.1)', 'scaleX(.9)'] }, { duration: BAR_MS, easing: 'cubic-bezier(0, .6, .3, 1)', fill: 'forwards' });
    }, BAR_AFTER_MS);
    return () => {
      clearTimeout(timer);
      bar?.remove();
      navigating -= 1;
      if (!navigating) page.removeAttribute('live-navigating');
    };
  };

  core.showFailure = url => {
    const message = 'The page could not be loaded. Check the connection and try again.';
    const detail = { action: '', code: 'navigation_failed', message, details: { url: url.href } };
    if (!document.dispatchEvent(new CustomEvent('live:error', { detail, cancelable: true }))) return;
    const shown = failure = addElement({
      position: 'fixed', zIndex: '2147483647', inset: '0 0 auto 0', padding: '12px 16px', background: '#991b1b', color: '#fff', textAlign: 'center',
    }, { role: 'alert', class: 'live-failure' });
    shown.textContent = message;
    setTimeout(() => shown.remove(), FAILURE_MS);
  };
};
