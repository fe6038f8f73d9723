// Bound URLs, and `xlink:` attributes.

// Whether following the URL, or loading it, could run a script: read as a browser reads it. The same as in template/src/url.rs.
const script = url => /^(javascript|vbscript):|^data:(?!image\/(png|gif|jpeg|webp|avif|bmp|x-icon)([;,]|$))/i.test(url.replace(/^[\0- ]+|[\t\n\r]/g, ''));

export default core => {
  /** Whether a value has no such URL: kind 1 is one URL, 2 several of them. */
  core.safe = (value, kind) => !(kind == 1 ? [value] : value.split(/[\s,]/)).some(script);

  /** Sets an attribute of the namespace that links of drawings have. Returns whether it is one. */
  core.link = (node, name, value) => {
    if (!name.startsWith('xlink:')) return false;
    node.setAttributeNS('http://www.w3.org/1999/xlink', name, value);
    return true;
  };

  return true;
};
