"use strict";

// Texts for people: escaping, numbers with units, formulas, and code with highlighting.

function escapeText(text) {
  return text.replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
}

// 8.47 M: three digits and a decimal prefix.
function scaled(number) {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let index = 0;
  while (number >= 999.5 && index + 1 < prefixes.length) { number /= 1000; index++; }
  return index === 0 ? String(number) + " " : decimal(number) + " " + prefixes[index];
}

function decimal(number) {
  if (number === 0) return "0";
  return number.toFixed(number < 0.095 ? 3 : number < 9.95 ? 2 : number < 99.5 ? 1 : 0);
}

const bytesText = (bytes) => scaled(bytes) + "B";
const flopText = (flops) => scaled(flops) + "FLOP";
const timeText = (milliseconds) =>
  milliseconds < 0.0995 ? decimal(milliseconds * 1000) + " µs" : decimal(milliseconds) + " ms";
const percent = (share) => (share < 0.0995 ? (100 * share).toFixed(1) : (100 * share).toFixed(0)) + "%";

// A list of names; of many the first and the last.
function fewOf(names) {
  if (names.length <= 4) return names.join(", ");
  return `${names[0]}, ${names[1]} … ${names[names.length - 1]}`;
}

// A formula as the graph has it, in the letters of mathematics.
function formulaHTML(text) {
  return escapeText(text)
    .replace(/\^T\b/g, "ᵀ")
    .replace(/ \* /g, " · ")
    .replace(/\bsqrt\(/g, "√(")
    .replace(/\bsum\b/g, "Σ")
    .replace(/\b(d?x)(\d)\b/g, "$1<sub>$2</sub>");
}

const languages = {
  swift: {
    words: "import let var func return if else for in while guard switch case struct enum extension "
      + "init self true false nil static private public",
    types: /^[A-Z]/,
  },
  c: {
    words: "if else for while do switch case default return break continue sizeof static inline const "
      + "restrict typedef struct enum union extern volatile register goto",
    types: /^(void|int|float|double|char|long|short|unsigned|signed|bool|_Bool|\w+_t)$/,
  },
};

for (const language of Object.values(languages)) {
  language.words = new Set(language.words.split(" "));
}

function languageOf(path) {
  if (path.endsWith(".swift")) return languages.swift;
  return /\.[ch]$/.test(path) ? languages.c : null;
}

const tokens = new RegExp([
  /\/\/[^\n]*|\/\*[\s\S]*?\*\//,             // 0 comment
  /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\.)*'/,  // 1 string
  /^[ \t]*#[ \t]*\w+/,                       // 2 directive
  /\b(?:0x[\da-fA-F]+|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?)\w*/,  // 3 number
  /[A-Za-z_]\w*/,                            // 4 word
].map((kind) => "(" + kind.source + ")").join("|"), "gm");

// A text's lines as HTML; `link(match)` may give a function's number for a word of C.
function highlighted(text, language, link) {
  if (!language) return text.split("\n").map(escapeText);
  let html = "";
  let end = 0;
  for (const match of text.matchAll(tokens)) {
    html += escapeText(text.slice(end, match.index)) + token(match, language, link);
    end = match.index + match[0].length;
  }
  return (html + escapeText(text.slice(end))).split("\n");
}

function token(match, language, link) {
  const [text, comment, string, directive, number, word] = match;
  if (comment) return wrapped("comment", text);
  if (string) return wrapped("string", text);
  if (directive) return wrapped("word", text);
  if (number) return wrapped("number", text);
  if (language.words.has(word)) return wrapped("word", text);
  if (language.types.test(word)) return wrapped("type", text);
  const target = link ? link(match) : undefined;
  if (target === undefined) return escapeText(text);
  return `<a class="fn" data-function="${target}">${escapeText(text)}</a>`;
}

// Each line gets tags of its own, so that a comment may span lines.
function wrapped(kind, text) {
  return text.split("\n").map((part) => `<span class="t-${kind}">${escapeText(part)}</span>`).join("\n");
}
