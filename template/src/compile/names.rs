//! The names that templates may use.

/// Events with an attribute of their own, such as `live:click`; every other one is `live:on:NAME`.
pub(super) const EVENTS: &[&str] = &[
    "click",
    "dblclick",
    "contextmenu",
    "mousedown",
    "mouseup",
    "mousemove",
    "mouseenter",
    "mouseleave",
    "mouseover",
    "mouseout",
    "pointerdown",
    "pointerup",
    "pointermove",
    "pointerenter",
    "pointerleave",
    "pointercancel",
    "touchstart",
    "touchend",
    "touchmove",
    "touchcancel",
    "wheel",
    "scroll",
    "keydown",
    "keyup",
    "input",
    "change",
    "submit",
    "reset",
    "invalid",
    "select",
    "focus",
    "blur",
    "focusin",
    "focusout",
    "copy",
    "cut",
    "paste",
    "drag",
    "dragstart",
    "dragend",
    "dragenter",
    "dragleave",
    "dragover",
    "drop",
    "load",
    "error",
    "toggle",
    "play",
    "pause",
    "ended",
    "timeupdate",
    "animationend",
    "transitionend",
];

/// All other attributes that start with `live:`.
pub(super) const DIRECTIVES: &[&str] = &[
    "if",
    "else-if",
    "else",
    "for",
    "key",
    "show",
    "html",
    "text",
    "model",
    "loading",
    "dirty",
    "offline",
    "target",
    "confirm",
    "poll",
    "ref",
    "hook",
    "ignore",
    "navigate",
    "persist",
    "local",
    "optimistic",
    "current",
];

/// The options of `live:navigate`.
pub(super) const NAVIGATION_WORDS: [&str; 3] = ["replace", "keep-scroll", "no-prefetch"];

/// Attributes that contain one URL.
pub(super) const URLS: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "background",
    "xlink:href",
    "manifest",
    "codebase",
    "classid",
    "longdesc",
    "icon",
    "profile",
    "usemap",
];

/// Properties and methods of a form that the client uses. Controls in the form must not have these
/// names.
pub(super) const FORM_PROPERTIES: &[&str] = &[
    "addEventListener",
    "append",
    "appendChild",
    "childNodes",
    "children",
    "classList",
    "cloneNode",
    "closest",
    "contains",
    "dispatchEvent",
    "elements",
    "firstChild",
    "firstElementChild",
    "form",
    "getAttribute",
    "getAttributeNames",
    "hasAttribute",
    "hidden",
    "innerHTML",
    "insertBefore",
    "isConnected",
    "isEqualNode",
    "localName",
    "matches",
    "moveBefore",
    "nextElementSibling",
    "nextSibling",
    "nodeType",
    "parentElement",
    "parentNode",
    "previousSibling",
    "querySelector",
    "querySelectorAll",
    "remove",
    "removeAttribute",
    "removeChild",
    "replaceWith",
    "requestSubmit",
    "setAttribute",
    "setAttributeNS",
    "style",
    "textContent",
    "toggleAttribute",
];

/// Properties and methods of the document that the client uses. Elements that the document exposes
/// by name must not have these names.
pub(super) const DOCUMENT_PROPERTIES: &[&str] = &[
    "activeElement",
    "addEventListener",
    "body",
    "createElement",
    "createTextNode",
    "dispatchEvent",
    "documentElement",
    "hidden",
    "importNode",
    "querySelector",
    "querySelectorAll",
    "readyState",
    "scripts",
];

/// Attributes that contain several URLs.
pub(super) const URL_LISTS: &[&str] = &["srcset", "imagesrcset", "ping"];

/// Keys with a modifier, and their `KeyboardEvent.key`.
pub(super) const KEYS: &[(&str, &str)] = &[
    ("enter", "Enter"),
    ("escape", "Escape"),
    ("esc", "Escape"),
    ("tab", "Tab"),
    ("space", " "),
    ("up", "ArrowUp"),
    ("down", "ArrowDown"),
    ("left", "ArrowLeft"),
    ("right", "ArrowRight"),
    ("backspace", "Backspace"),
    ("delete", "Delete"),
    ("home", "Home"),
    ("end", "End"),
    ("page-up", "PageUp"),
    ("page-down", "PageDown"),
];

/// Modifiers of an event without a value.
pub(super) const EVENT_WORDS: &[&str] = &[
    "prevent", "stop", "self", "once", "window", "outside", "drop", "debounce", "throttle", "ctrl", "shift",
    "alt", "meta",
];

/// Modifiers of `live:model`.
pub(super) const MODEL_WORDS: &[&str] = &["lazy", "blur", "debounce", "trim", "number", "force"];

/// Modifiers of `live:loading`, `live:dirty` and `live:offline`.
pub(super) const WIRE_WORDS: [&str; 4] = ["class", "attr", "remove", "delay"];
