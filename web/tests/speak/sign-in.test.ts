import assert from "node:assert/strict";
import { test } from "node:test";

import { ErrorResponse } from "oidc-client-ts";

import {
  SignIn,
  SignInFailedError,
  SignInNeededError,
  oidcSettings,
  type Address,
  type OidcClient,
} from "../../src/speak/sign-in.ts";
import { FakeStorage } from "./fake-storage.ts";

const PAGE = "https://pages.example/speak.html";
const CONFIG = {
  authority: "https://issuer.example/pool",
  clientId: "client-1",
  scope: "openid email",
};
const NOW = 1_000_000_000;
const INVALID_GRANT = new ErrorResponse({ error: "invalid_grant" });

type IssuedUser = Awaited<ReturnType<OidcClient["signinRedirectCallback"]>>;

function issued(token: string, remainingSeconds: number, changes: object = {}): IssuedUser {
  return {
    id_token: token,
    refresh_token: "refresh",
    profile: { exp: NOW / 1000 + remainingSeconds, email: "ada@example.com" },
    ...changes,
  };
}

class FakeClient implements OidcClient {
  user: IssuedUser | null = null;
  answer: IssuedUser | Error = new Error("No matching state found in storage");
  renewed: IssuedUser | Error = INVALID_GRANT;
  renewals = 0;
  sentState: string | undefined;
  isSignedOutThere = false;
  endSessionEndpoint: string | undefined;
  revocationEndpoint: string | undefined;
  readonly revoked: (string | undefined)[] = [];
  isUnreachable = false;
  readonly metadataService = {
    getEndSessionEndpoint: (): Promise<string | undefined> =>
      this.isUnreachable
        ? Promise.reject(new TypeError("Failed to fetch"))
        : Promise.resolve(this.endSessionEndpoint),
    getRevocationEndpoint: (): Promise<string | undefined> =>
      Promise.resolve(this.revocationEndpoint),
  };

  getUser(): Promise<IssuedUser | null> {
    return Promise.resolve(this.user);
  }

  removeUser(): Promise<void> {
    this.user = null;
    return Promise.resolve();
  }

  signinRedirect({ state }: { state: string }): Promise<void> {
    this.sentState = state;
    return this.isUnreachable
      ? Promise.reject(new TypeError("Failed to fetch"))
      : Promise.resolve();
  }

  signinRedirectCallback(): Promise<IssuedUser> {
    if (this.answer instanceof Error) return Promise.reject(this.answer);
    this.user = this.answer;
    return Promise.resolve(this.answer);
  }

  signinSilent(): Promise<IssuedUser | null> {
    this.renewals += 1;
    if (this.renewed instanceof Error) return Promise.reject(this.renewed);
    this.user = this.renewed;
    return Promise.resolve(this.renewed);
  }

  revokeTokens(): Promise<void> {
    if (this.isUnreachable) return Promise.reject(new TypeError("Failed to fetch"));
    this.revoked.push(this.user?.refresh_token);
    return Promise.resolve();
  }

  signoutRedirect(): Promise<void> {
    this.isSignedOutThere = true;
    this.user = null;
    return Promise.resolve();
  }
}

class FakeAddress implements Address {
  href: string;
  opened: string | undefined;

  constructor(href: string) {
    this.href = href;
  }

  show(url: string): void {
    this.href = url;
  }

  open(url: string): void {
    this.opened = url;
  }
}

class Lab {
  readonly client = new FakeClient();
  readonly address: FakeAddress;
  readonly signIn: SignIn;

  constructor(href = PAGE, logoutEndpoint?: string) {
    this.address = new FakeAddress(href);
    const config = { ...CONFIG, ...(logoutEndpoint !== undefined && { logoutEndpoint }) };
    this.signIn = new SignIn(this.client, config, this.address, () => NOW);
  }
}

test("the issuer's endpoints are used as configured, and otherwise discovered", () => {
  const endpoints = {
    authorizationEndpoint: "https://login.example/oauth2/authorize",
    tokenEndpoint: "https://login.example/oauth2/token",
    revocationEndpoint: "https://login.example/oauth2/revoke",
  };
  const known = oidcSettings({ ...CONFIG, ...endpoints }, `${PAGE}?x#y`, new FakeStorage());
  assert.equal(known.metadata?.authorization_endpoint, endpoints.authorizationEndpoint);
  assert.equal(known.metadata.token_endpoint, endpoints.tokenEndpoint);
  assert.equal(known.metadata.revocation_endpoint, endpoints.revocationEndpoint);
  assert.equal(known.redirect_uri, PAGE);
  const discovered = oidcSettings(CONFIG, PAGE, new FakeStorage());
  assert.equal(discovered.metadata, undefined);
  assert.equal(discovered.authority, CONFIG.authority);
});

test("nobody is signed in until the issuer has answered", async () => {
  const lab = new Lab();
  assert.equal(await lab.signIn.resume(), undefined);
  await assert.rejects(lab.signIn.token(), SignInNeededError);
});

test("after a sign-in the page is where it was, and the code is not in its address", async () => {
  const before = new Lab(`${PAGE}?from=mail#top`);
  await before.signIn.begin();
  assert.equal(before.client.sentState, "?from=mail#top");
  const lab = new Lab(`${PAGE}?code=secret&state=abc`);
  lab.client.answer = issued("token-1", 3600, { state: before.client.sentState });
  assert.equal(await lab.signIn.resume(), "ada@example.com");
  assert.equal(lab.address.href, `${PAGE}?from=mail#top`);
  assert.equal(await lab.signIn.token(), "token-1");
});

test("a sign-in that was refused, is stale or cannot be completed is told apart", async () => {
  for (const [answer, problem] of [
    [new ErrorResponse({ error: "access_denied" }), "refused"],
    [new Error("No matching state found in storage"), "stale"],
    [new TypeError("Failed to fetch"), "unreachable"],
  ] as const) {
    const lab = new Lab(`${PAGE}?error=access_denied&state=abc`);
    lab.client.answer = answer;
    await assert.rejects(
      lab.signIn.resume(),
      (error) => error instanceof SignInFailedError && error.problem === problem,
    );
    assert.equal(lab.address.href, PAGE);
  }
});

test("an issuer that refuses without a state is understood", async () => {
  const lab = new Lab(`${PAGE}?error=access_denied`);
  await assert.rejects(
    lab.signIn.resume(),
    (error) => error instanceof SignInFailedError && error.problem === "refused",
  );
  assert.equal(lab.address.href, PAGE);
});

test("an address with only a state, such as after signing out, is no answer", async () => {
  const lab = new Lab(`${PAGE}?state=abc`);
  assert.equal(await lab.signIn.resume(), undefined);
});

test("an issuer that cannot be found is said", async () => {
  const lab = new Lab();
  lab.client.isUnreachable = true;
  await assert.rejects(lab.signIn.begin(), SignInFailedError);
});

test("a token that lasts is used as it is", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", 61);
  assert.equal(await lab.signIn.token(), "token-1");
  assert.equal(lab.client.renewals, 0);
});

test("a token that is about to end is renewed, once however many sockets need one", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", 60);
  lab.client.renewed = issued("token-2", 3600);
  assert.deepEqual(await Promise.all([lab.signIn.token(), lab.signIn.token()]), [
    "token-2",
    "token-2",
  ]);
  assert.equal(lab.client.renewals, 1);
  assert.equal(await lab.signIn.token(), "token-2");
  assert.equal(lab.client.renewals, 1);
});

test("a clock that is hours ahead does not lock anybody out: a new token is used", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", -7200);
  lab.client.renewed = issued("token-2", -3600);
  assert.equal(await lab.signIn.token(), "token-2");
});

test("if a renewal fails, a token that has not ended yet is still used", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", 30);
  assert.equal(await lab.signIn.token(), "token-1");
  assert.notEqual(lab.client.user, null);
});

test("if a renewal is refused, or its token belongs to another sign-in, the person has to sign in again", async () => {
  for (const refusal of [
    INVALID_GRANT,
    new Error("auth_time in id_token does not match original auth_time"),
  ]) {
    const lab = new Lab();
    lab.client.user = issued("token-1", -1);
    lab.client.renewed = refusal;
    await assert.rejects(lab.signIn.token(), SignInNeededError);
    assert.equal(lab.client.user, null);
  }
});

test("if the issuer cannot be reached for a renewal, nobody is signed out", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", -1);
  lab.client.renewed = new TypeError("Failed to fetch");
  await assert.rejects(lab.signIn.token(), TypeError);
  assert.notEqual(lab.client.user, null);
});

test("an issuer that renews without an ID token leads to another sign-in, not to an old token", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", -1);
  lab.client.renewed = issued("token-1", -1);
  await assert.rejects(lab.signIn.token(), SignInNeededError);
});

test("without a refresh token, a token is used until it ends", async () => {
  const lab = new Lab();
  lab.client.user = issued("token-1", 30, { refresh_token: undefined });
  assert.equal(await lab.signIn.token(), "token-1");
  lab.client.user = issued("token-1", -1, { refresh_token: undefined });
  await assert.rejects(lab.signIn.token(), SignInNeededError);
  assert.equal(lab.client.renewals, 0);
});

test("Cognito signs out at its own address, and returns to the page", async () => {
  const lab = new Lab(`${PAGE}?x=1`, "https://login.example/logout");
  lab.client.user = issued("token-1", 3600);
  await lab.signIn.end();
  assert.equal(lab.client.user, null);
  assert.equal(
    lab.address.opened,
    `https://login.example/logout?client_id=client-1&logout_uri=${encodeURIComponent(PAGE)}`,
  );
});

test("any other issuer signs out where its discovery says, and without that here alone", async () => {
  const there = new Lab();
  there.client.endSessionEndpoint = "https://issuer.example/logout";
  await there.signIn.end();
  assert.ok(there.client.isSignedOutThere);
  for (const isUnreachable of [false, true]) {
    const here = new Lab();
    here.client.user = issued("token-1", 3600);
    here.client.isUnreachable = isUnreachable;
    await here.signIn.end();
    assert.equal(here.client.user, null);
    assert.equal(here.client.isSignedOutThere, false);
  }
});

test("signing out revokes the refresh token where the issuer has an address for that", async () => {
  for (const logoutEndpoint of [undefined, "https://login.example/logout"]) {
    const lab = new Lab(PAGE, logoutEndpoint);
    lab.client.user = issued("token-1", 3600);
    lab.client.revocationEndpoint = "https://login.example/oauth2/revoke";
    await lab.signIn.end();
    assert.deepEqual(lab.client.revoked, ["refresh"]);
    assert.equal(lab.client.user, null);
  }
  const without = new Lab();
  without.client.user = issued("token-1", 3600);
  await without.signIn.end();
  assert.deepEqual(without.client.revoked, []);
});

test("a token that cannot be revoked keeps nobody signed in", async () => {
  const lab = new Lab(PAGE, "https://login.example/logout");
  lab.client.user = issued("token-1", 3600);
  lab.client.revocationEndpoint = "https://login.example/oauth2/revoke";
  lab.client.isUnreachable = true;
  await lab.signIn.end();
  assert.deepEqual(lab.client.revoked, []);
  assert.equal(lab.client.user, null);
  assert.notEqual(lab.address.opened, undefined);
});

test("whoever has no email is shown by another name", async () => {
  const lab = new Lab();
  lab.client.user = issued("t", 60, { profile: { exp: 1, preferred_username: "ada" } });
  assert.equal(await lab.signIn.resume(), "ada");
  lab.client.user = issued("t", 60, { profile: { exp: 1 } });
  assert.equal(await lab.signIn.resume(), "");
});
