// Random states of the components in e2e/app/src/differ.rs, the same for the same seed. They are
// JSON texts, because JavaScript has no 64-bit numbers.

export type Random = (below: number) => number;

export const random = (seed: number): Random => {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
};

type Make = (random: Random) => string;
const one = (...texts: string[]): Make => (random) => texts[random(texts.length)]!;
const text = (...texts: string[]): Make => one(...texts.map((text) => JSON.stringify(text)));
const or = (...makes: Make[]): Make => (random) => makes[random(makes.length)]!(random);
const listOf = (item: Make, most: number): Make => (random) =>
  `[${Array.from({ length: random(most + 1) }, () => item(random)).join()}]`;
/** Returns objects with unique ids, in any order. */
const rows = (ids: string[], fields: Record<string, Make>): Make => (random) => {
  const left = [...ids], all: string[] = [];
  for (let count = random(ids.length + 1); count > 0; count--) {
    const [id] = left.splice(random(left.length), 1);
    all.push(`{"id":${id},${Object.entries(fields).map(([name, make]) => `"${name}":${make(random)}`).join()}}`);
  }
  return `[${all.join()}]`;
};

const TEXTS = text("", " ", "x", "one", "two", "1", "0", "true", "a b", "a  b", " a ", "x\r\ny", "\n\nx", "x\ry", "a\nb", "\0", "a\0b", "\u00a0", "a\u00a0b",
  "a\u000bb", "<b>&amp;\"'", "é漢😀", "\ufeff", "one two", "one\ttwo\f one");
const NUMBERS = one("0", "1", "-1", "2", "11", "1.5", "-0.25", "1e21", "1e-7", "0.1", "9007199254740993", "-9223372036854775808",
  "9223372036854775807", "9223372036854775808", "18446744073709551615", "1000000000000000.25", "1.0", "100000000000000000000000");
const OTHERS = one("null", "true", "false", "[]", "{}", "[1]", "[\"one\",\"two\"]", "{\"id\":1}");
const ANY = or(TEXTS, NUMBERS, OTHERS);

const URLS = or(text("/a", "https://a.b/c?d=e&f", "javascript:alert(1)", " java\nscript:alert(1)", "\u0001javascript:x", "data:text/html,x", "data:image/png,x",
  "/a 1x, /b 2x", "/a 1x,javascript:x 2x", "/a\u00a0javascript:x", "/a\u000bjavascript:x", "/a\fjavascript:x", "mailto:a@b", "#x"), OTHERS);
const HTML = or(text("<b>x</b>", "a<i>b</i>c", "</div><b>x", "<b>x", "<!-- open", "x</article>y", "<ul><li>a<li>b</ul>", "<table><tr><td>x</table>", "&amp;&lt;",
  "<svg><circle r=\"1\"></circle></svg>", "", "a\0b", "\r\n", "<p>a<p>b", "<input value=x>"), NUMBERS, OTHERS);
const WORD = or(text("", "one", "two", "one two", "two  three", "\u00a0", "a\u00a0b", "a\u000bb", "fixed", "one\n\ttwo"), OTHERS);
const SIZES = or(text("1px", "2px", "10px 3px", "auto", "red", "inherit", "", "nonsense", "3", "1px !important", "var(--own)"), one("null", "0", "true", "[]"));
const COLOURS = or(text("red", "#00f", "rgb(1 2 3)", "nonsense", "transparent", ""), one("null", "false", "1"));
const BORDERS = or(text("1px solid red", "2px dashed", "none", "bold 12px serif", "italic 2em sans-serif", "nonsense", ""), one("null", "[]"));
const ON = or(one("true", "false", "true", "false"), ANY);
const VALUES = or(ANY, text("2026-11-28", "23:59", "2026-11-28T10:00", "2026-11", "2026-W48", "#ff0000", "RED", "150", "50", "-5", "7.3", "a@b", " a@b ", "http://x", "12e"));
const KINDS = or(text("text", "search", "email", "url", "tel", "password", "number", "range", "date", "time", "datetime-local", "month", "week", "color", "hidden",
  "checkbox", "radio", "submit", "button", "reset", "image", "file", "unknown"), one("null"));
const LIMITS = or(one("null", "0", "5", "10", "100", "200", "0.5"), text("2026-01-01", "any", ""));

// The keys of a `List` are signed.
const IDS = ["1", "2", "3", "4", "9007199254740993", "9223372036854775807"];
const KEYS = [...IDS, "9223372036854775808", "18446744073709551615", "-1", "\"1\"", "\"x\"", "\"9223372036854775808\"", "\"a\\u0000b\""];
const CHOICES = or(text("one", "two", "", "a  b", " a ", "a\nb", "a\0b", "1", "true", "false"), one("1", "true", "false", "null", "9223372036854775808", "[]"));
const CHOICE_TEXTS = text("one", "two", "", "a  b", " a ", "a\nb", "1");

/** The fields of each component. */
export const FIELDS: Record<string, Record<string, Make>> = {
  texts: { a: ANY, b: ANY, c: ANY, url: URLS, html: HTML, word: WORD },
  styles: { a: SIZES, b: SIZES, c: COLOURS, d: BORDERS, n: or(NUMBERS, OTHERS) },
  lists: {
    a: ANY,
    items: or(one("null", "[]"), rows(KEYS, { text: ANY }), rows(KEYS, { text: ANY })),
    rows: rows(IDS, { text: ANY, tags: (random) => `[${KEYS.filter(() => random(3) == 0).join()}]` }),
  },
  controls: {
    a: ANY, v: VALUES, kind: KINDS, low: LIMITS, high: LIMITS, step: or(LIMITS, text("any")), on: ON,
    text: or(TEXTS, text("2026-11-28", "#ff0000", "one")), amount: one("null", "0", "1.5", "150", "-5", "9007199254740993"), ticked: one("true", "false"),
    chosen: listOf(or(CHOICE_TEXTS, TEXTS), 3), counts: listOf(one("0", "1", "1.5", "-1", "150"), 3), perhaps: or(one("null"), listOf(CHOICE_TEXTS, 2)),
  },
  selects: {
    v: CHOICES, w: CHOICES, many: or(listOf(CHOICES, 3), CHOICES), on: ON, size: one("null", "1", "2", "5", "\"x\""),
    options: or(one("null"), rows(KEYS, { value: CHOICES, text: or(CHOICE_TEXTS, CHOICES), off: one("true", "false", "null", "0", "\"\"") })),
    choice: CHOICE_TEXTS, choices: listOf(CHOICE_TEXTS, 3),
  },
};

/** Returns the next state after `last`, with some fields changed. */
export const next = (name: string, last: Record<string, string>, random: Random): Record<string, string> => {
  const state = { ...last }, fields = Object.entries(FIELDS[name]!), often = 1 + random(fields.length);
  for (const [field, make] of fields) if (!(field in state) || random(fields.length) < often) state[field] = make(random);
  return state;
};

export const json = (state: Record<string, string>): string =>
  `{${Object.entries(state).map(([name, value]) => `"${name}":${value}`).join()}}`;
