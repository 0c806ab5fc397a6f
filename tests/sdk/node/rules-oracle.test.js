// Conditions of rules against json-logic-js 2.0.5, the reference of JsonLogic: 20,000 generated trees over generated data,
// evaluated by `target/release/oracle` and by the reference, must agree.
//
// The generator stays where the two mean the same. Where they do not, on purpose (`differences` below pins each):
//  - data that is absent never matches here, and is null to the reference: {"<": [absent, 70]} is true there;
//  - nothing is converted here, and types are checked when a rule is saved: {"==": [1, "1"]} is true there and refused here;
//  - what cannot be computed is the outcome for errors here, and Infinity or NaN there: division by zero;
//  - {">": [3, 2, 1]} compares each with the next here; there the third is not looked at;
//  - every text contains the empty text here, the empty one too; there nothing is in an empty text.
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import jsonLogic from "json-logic-js";

const target = path.resolve(import.meta.dirname, "../../..", process.env.CARGO_TARGET_DIR ?? "target");

// What Countersign says of some cases.
function judged(cases) {
  const input = cases.map((one) => JSON.stringify(one)).join("\n") + "\n";
  const run = spawnSync(`${target}/release/oracle`, { input, maxBuffer: 64 * 1024 * 1024 });
  assert.equal(run.status, 0, `${run.error ?? ""}${run.stderr}`);
  return run.stdout.toString().trim().split("\n").map((line) => JSON.parse(line));
}

// mulberry32: the same cases in every run.
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Generator {
  constructor(seed) {
    this.next = random(seed);
  }
  below(n) {
    return Math.floor(this.next() * n);
  }
  one(of) {
    return of[this.below(of.length)];
  }
  some(make, least, most) {
    return Array.from({ length: least + this.below(most - least + 1) }, () => make());
  }
  literal() {
    return this.one([0, 1, -1, 2, 10, 0.5, -2.25, 1000000, this.below(200) - 100]);
  }
  number(depth) {
    if (depth === 0 || this.next() < 0.6) return this.next() < 0.5 ? this.literal() : { var: this.one(["custom.n1", "custom.n2"]) };
    const operand = () => this.number(depth - 1);
    const operator = this.one(["+", "*", "-", "min", "max", "/", "%"]);
    if (operator === "-") return { "-": [operand(), operand()] };
    // By a number that is not zero.
    if (operator === "/" || operator === "%") return { [operator]: [operand(), this.one([1, 2, 4, -3])] };
    return { [operator]: this.some(operand, 1, 3) };
  }
  text() {
    return this.next() < 0.5 ? this.one(["a", "ab", "", "A", "ä", "0", "true", "10"]) : { var: this.one(["custom.t1", "custom.t2"]) };
  }
  leaf() {
    const number = () => this.number(2);
    switch (this.below(9)) {
      case 0: return { [this.one(["==", "===", "!=", "!=="])]: [number(), number()] };
      case 1: return { [this.one(["<", "<=", ">", ">="])]: [number(), number()] };
      case 2: return { [this.one(["<", "<="])]: [number(), number(), number()] };
      case 3: return { [this.one(["==", "===", "!=", "!=="])]: [this.text(), this.text()] };
      case 4: return { in: [number(), this.some(() => this.literal(), 0, 4)] };
      case 5: return { in: [this.text(), this.some(() => this.one(["a", "ab", "x"]), 0, 4)] };
      // Looked for in a text that is not empty.
      case 6: return { in: [this.text(), this.one(["ab", "abc", { var: "custom.t1" }])] };
      case 7: return { in: [this.text(), { var: "custom.m1" }] };
      default: return this.one([{ var: "custom.b1" }, { "==": [{ var: "custom.b1" }, this.one([true, false])] }, true, false]);
    }
  }
  tree(depth) {
    if (depth === 0 || this.next() < 0.25) return this.leaf();
    const inner = () => this.tree(depth - 1);
    switch (this.below(4)) {
      case 0: return { and: this.some(inner, 1, 3) };
      case 1: return { or: this.some(inner, 1, 3) };
      case 2: return { "!": this.next() < 0.5 ? [inner()] : inner() };
      default: return { "!!": [inner()] };
    }
  }
  data() {
    const text = () => this.one(["a", "ab", "b", "Ab", "ä"]);
    return {
      custom: { n1: this.literal(), n2: this.literal(), t1: text(), t2: this.one(["", text()]), b1: this.next() < 0.5, m1: this.some(text, 0, 3) },
    };
  }
}

test("20,000 conditions say what json-logic-js says", () => {
  const generator = new Generator(20261125);
  const cases = Array.from({ length: 20000 }, () => ({ conditions: generator.tree(4), data: generator.data() }));
  const ours = judged(cases);
  let matched = 0;
  cases.forEach(({ conditions, data }, index) => {
    const theirs = jsonLogic.apply(conditions, data);
    assert.equal(typeof theirs, "boolean", JSON.stringify(conditions));
    assert.equal(ours[index], theirs, `${JSON.stringify(conditions)} over ${JSON.stringify(data)}`);
    matched += theirs ? 1 : 0;
  });
  assert.ok(matched > 4000 && matched < 16000, `both ways, and not only one: ${matched}`);
});

test("differences are those that are listed", () => {
  const n1 = { var: "custom.n1" };
  const differences = [
    [{ "<": [n1, 70] }, {}, true, false],
    [{ "!": { ">": [n1, 70] } }, {}, true, false],
    [{ "==": [1, "1"] }, {}, true, /nothing is converted/],
    [{ ">": [{ "/": [n1, 0] }, 5] }, { custom: { n1: 1 } }, true, null],
    [{ ">": [3, 2, 2] }, {}, true, false],
    [{ in: ["", { var: "custom.t1" }] }, { custom: { t1: "" } }, false, true],
  ];
  const ours = judged(differences.map(([conditions, data]) => ({ conditions, data })));
  differences.forEach(([conditions, data, theirs, expected], index) => {
    assert.equal(jsonLogic.apply(conditions, data), theirs, JSON.stringify(conditions));
    if (expected instanceof RegExp) assert.match(ours[index], expected);
    else assert.equal(ours[index], expected, JSON.stringify(conditions));
  });
});
