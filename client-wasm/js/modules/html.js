// `live:html`.

export default core => {
  core.html = (node, html) => {
    if (node.$h === undefined) {
      const template = document.createElement('template');
      template.innerHTML = html;
      if (node.innerHTML !== template.innerHTML) node.innerHTML = html;
    } else if (node.$h !== html) node.innerHTML = html;
    node.$h = html;
  };

  return true;
};
