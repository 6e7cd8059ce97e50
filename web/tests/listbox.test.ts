import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOSED, keyPressed, openedAt, typedInto, type ListboxState } from "../src/look/listbox.ts";

const COUNT = 20;

function pressed(state: ListboxState, key: string, count = COUNT) {
  return keyPressed(state, { key, altKey: false, ctrlKey: false, metaKey: false }, count);
}

test("the arrows go through the list and around its ends", () => {
  assert.equal(pressed(openedAt(3), "ArrowDown")?.state.active, 4);
  assert.equal(pressed(openedAt(3), "ArrowUp")?.state.active, 2);
  assert.equal(pressed(openedAt(COUNT - 1), "ArrowDown")?.state.active, 0);
  assert.equal(pressed(openedAt(0), "ArrowUp")?.state.active, COUNT - 1);
});

test("an arrow opens a closed list", () => {
  assert.equal(pressed(CLOSED, "ArrowDown")?.state.isOpen, true);
  assert.deepEqual(pressed(CLOSED, "ArrowUp")?.state, openedAt(COUNT - 1));
});

test("pages stop at the ends", () => {
  assert.equal(pressed(openedAt(15), "PageDown")?.state.active, COUNT - 1);
  assert.equal(pressed(openedAt(5), "PageUp")?.state.active, 0);
  assert.equal(pressed(CLOSED, "PageDown"), undefined);
});

test("Enter chooses the active one, and is the form's own otherwise", () => {
  assert.deepEqual(pressed(typedInto("ger", COUNT), "Enter"), { state: CLOSED, chosen: 0 });
  assert.equal(pressed(CLOSED, "Enter"), undefined);
  assert.equal(pressed(openedAt(-1), "Enter"), undefined);
});

test("nothing can be chosen from an empty list", () => {
  const empty = typedInto("qqqq", 0);
  assert.equal(pressed(empty, "Enter", 0), undefined);
  assert.equal(pressed(empty, "ArrowDown", 0)?.state.active, -1);
  assert.equal(pressed(empty, "ArrowUp", 0)?.state.active, -1);
});

test("Escape closes the list and forgets what was typed, and does nothing to a closed one", () => {
  assert.deepEqual(pressed(typedInto("ger", 1), "Escape"), { state: CLOSED });
  assert.equal(pressed(CLOSED, "Escape"), undefined);
});

test("letters, Tab and shortcuts are the text field's", () => {
  for (const key of ["a", "Tab", "Home", "End", "ArrowLeft"]) {
    assert.equal(pressed(openedAt(0), key), undefined, key);
  }
  const copy = { key: "ArrowDown", altKey: false, ctrlKey: true, metaKey: false };
  assert.equal(keyPressed(openedAt(0), copy, COUNT), undefined);
});
