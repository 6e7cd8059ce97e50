import assert from "node:assert/strict";
import { test } from "node:test";

import { AT_END_PIXELS, Following } from "../src/look/following.ts";

const VIEW = 500;

/** A list of this height that is scrolled so far from its end. */
function at(scrollHeight: number, fromEnd: number, clientHeight = VIEW) {
  return { scrollTop: scrollHeight - clientHeight - fromEnd, scrollHeight, clientHeight };
}

function followingAtEnd(scrollHeight = 2000): Following {
  const following = new Following();
  following.scrolled(at(scrollHeight, 0));
  return following;
}

test("captions follow the speech from the beginning", () => {
  const following = new Following();
  following.added(20);
  assert.equal(following.isFollowing, true);
  assert.equal(following.unseen, 0);
});

test("a reader who scrolls up stays there, and what comes is counted", () => {
  const following = followingAtEnd();
  following.scrolled(at(2000, 200));
  assert.equal(following.isFollowing, false);
  following.added(1);
  following.added(2);
  assert.equal(following.unseen, 3);
});

test("a reader who is back at the end follows again, and has seen everything", () => {
  const following = followingAtEnd();
  following.scrolled(at(2000, 200));
  following.added(1);
  following.scrolled(at(2100, AT_END_PIXELS));
  assert.equal(following.isFollowing, true);
  assert.equal(following.unseen, 0);
});

test("half way down is not the end", () => {
  const following = followingAtEnd();
  following.scrolled(at(2000, 800));
  following.scrolled(at(2000, 400));
  assert.equal(following.isFollowing, false);
});

test("captions that are added are not the reader's scrolling", () => {
  const following = followingAtEnd();
  following.scrolled({ ...at(2000, 0), scrollHeight: 2300 });
  assert.equal(following.isFollowing, true);
});

test("an on-screen keyboard that takes half of the page is not the reader's scrolling", () => {
  const following = followingAtEnd();
  following.scrolled({ scrollTop: 1500, scrollHeight: 2000, clientHeight: 200 });
  assert.equal(following.isFollowing, true);
});

test("text that becomes smaller moves the position up, but not the reader", () => {
  const following = followingAtEnd();
  following.scrolled(at(1200, 0));
  assert.equal(following.isFollowing, true);
  following.scrolled(at(1100, 10));
  assert.equal(following.isFollowing, true);
});

test("scrolling up counts while captions are added, too", () => {
  const following = followingAtEnd();
  following.scrolled({ scrollTop: 1400, scrollHeight: 2100, clientHeight: VIEW });
  assert.equal(following.isFollowing, false);
});

test("the reader can ask for the end, and can be held where they are", () => {
  const following = followingAtEnd();
  following.stay();
  following.added(4);
  assert.equal(following.unseen, 4);
  following.follow();
  assert.equal(following.isFollowing, true);
  assert.equal(following.unseen, 0);
});
