// `live:html`.

/** @type {Module} */
export default core => {
  core.writeHtml = (node, html) => {
    if (node.$html === undefined) {
      // What the server rendered stays, if it is the same.
      const template = document.createElement('template');
      template.innerHTML = html;
      if (node.innerHTML !== template.innerHTML) node.innerHTML = html;
    } else if (node.$html !== html) node.innerHTML = html;
    node.$html = html;
  };

  return true;
};
