import { ErrorResponse, WebStorageStateStore, type UserManagerSettings } from "oidc-client-ts";

import type { SignInConfig } from "../config.ts";

/** A token that ends sooner is renewed first; it is looked at once, when a socket is opened. */
export const RENEW_BEFORE_MILLISECONDS = 60_000;
/** An issuer that does not answer keeps nobody from signing out. */
const REQUEST_TIMEOUT_SECONDS = 10;

/** Why a sign-in did not succeed, for the page to say in words. */
export type SignInProblem =
  /** The issuer refused it, or the person cancelled it. */
  | "refused"
  /** The answer belongs to no sign-in that this tab began, such as after a step back. */
  | "stale"
  /** The issuer could not be reached. */
  | "unreachable";

export class SignInFailedError extends Error {
  readonly problem: SignInProblem;

  constructor(problem: SignInProblem, options?: ErrorOptions) {
    super(`The sign-in failed: ${problem}.`, options);
    this.name = "SignInFailedError";
    this.problem = problem;
  }
}

/** The sign-in has ended and cannot be renewed: the person has to sign in again. */
export class SignInNeededError extends Error {
  constructor(options?: ErrorOptions) {
    super("Nobody is signed in any more.", options);
    this.name = "SignInNeededError";
  }
}

/** What is read of oidc-client-ts's User. */
interface IssuedUser {
  readonly id_token?: string | undefined;
  readonly refresh_token?: string | undefined;
  /** What `signinRedirect` was given; it was kept here. */
  readonly state?: unknown;
  readonly profile: {
    readonly exp: number;
    readonly email?: unknown;
    readonly name?: unknown;
    readonly preferred_username?: unknown;
  };
}

/** The part of oidc-client-ts's UserManager that is used. */
export interface OidcClient {
  getUser(): Promise<IssuedUser | null>;
  removeUser(): Promise<void>;
  signinRedirect(options: { state: string }): Promise<void>;
  signinRedirectCallback(url: string): Promise<IssuedUser>;
  signinSilent(): Promise<IssuedUser | null>;
  signoutRedirect(): Promise<void>;
  revokeTokens(types: ["refresh_token"]): Promise<void>;
  readonly metadataService: {
    getEndSessionEndpoint(): Promise<string | undefined>;
    getRevocationEndpoint(): Promise<string | undefined>;
  };
}

/** The window's address, as far as signing in needs it. */
export interface Address {
  readonly href: string;
  /** Replaces what the address bar shows, and loads nothing. */
  show(url: string): void;
  open(url: string): void;
}

/** How oidc-client-ts signs in with this issuer; what it keeps is in `storage`, of this tab alone. */
export function oidcSettings(
  config: SignInConfig,
  page: string,
  storage: Storage,
): UserManagerSettings {
  const address = pageAddress(page);
  const { authority, authorizationEndpoint, tokenEndpoint, revocationEndpoint } = config;
  const isKnown = authorizationEndpoint !== undefined && tokenEndpoint !== undefined;
  return {
    authority,
    client_id: config.clientId,
    scope: config.scope,
    redirect_uri: address,
    post_logout_redirect_uri: address,
    response_type: "code",
    ...(isKnown && {
      metadata: {
        issuer: authority,
        authorization_endpoint: authorizationEndpoint,
        token_endpoint: tokenEndpoint,
        ...(revocationEndpoint !== undefined && { revocation_endpoint: revocationEndpoint }),
      },
    }),
    userStore: new WebStorageStateStore({ store: storage }),
    stateStore: new WebStorageStateStore({ store: storage }),
    // The token is renewed when a socket needs it, and the session ends with its tab.
    automaticSilentRenew: false,
    monitorSession: false,
    loadUserInfo: false,
    requestTimeoutInSeconds: REQUEST_TIMEOUT_SECONDS,
  };
}

/** Signs one person in by the authorization code flow with PKCE, and has a token for each socket. */
export class SignIn {
  readonly #client: OidcClient;
  readonly #config: SignInConfig;
  readonly #address: Address;
  readonly #now: () => number;
  #renewal: Promise<string> | undefined;

  constructor(
    client: OidcClient,
    config: SignInConfig,
    address: Address,
    now: () => number = Date.now,
  ) {
    this.#client = client;
    this.#config = config;
    this.#address = address;
    this.#now = now;
  }

  /**
   * The name of whoever is signed in. If the address is the issuer's answer, that sign-in is
   * completed first, and the address is again the one from before it.
   *
   * Raises SignInFailedError.
   */
  async resume(): Promise<string | undefined> {
    const url = new URL(this.#address.href);
    const isRefused = url.searchParams.has("error");
    const hasState = url.searchParams.has("state");
    if (!isRefused && !(hasState && url.searchParams.has("code"))) {
      const user = await this.#client.getUser();
      return user === null ? undefined : nameOf(user);
    }
    this.#address.show(pageAddress(url.href));
    // Not every issuer says which sign-in it refuses.
    if (!hasState) throw new SignInFailedError("refused");
    try {
      const user = await this.#client.signinRedirectCallback(url.href);
      if (typeof user.state === "string") {
        this.#address.show(pageAddress(url.href) + user.state);
      }
      return nameOf(user);
    } catch (error) {
      throw new SignInFailedError(problemOf(error), { cause: error });
    }
  }

  /** Goes to the issuer's page. Raises SignInFailedError if it cannot be found. */
  async begin(): Promise<void> {
    const { search, hash } = new URL(this.#address.href);
    try {
      await this.#client.signinRedirect({ state: search + hash });
    } catch (error) {
      throw new SignInFailedError("unreachable", { cause: error });
    }
  }

  /**
   * An ID token that is good for opening a socket now.
   *
   * Raises SignInNeededError, or why the issuer could not be reached.
   */
  async token(): Promise<string> {
    const user = await this.#client.getUser();
    if (user?.id_token === undefined) throw new SignInNeededError();
    const remaining = user.profile.exp * 1000 - this.#now();
    if (remaining > RENEW_BEFORE_MILLISECONDS) return user.id_token;
    // Two at once would use one refresh token twice, which some issuers take for a theft.
    this.#renewal ??= this.#renewed(user, remaining > 0).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Signs out here and, where the issuer has a page for that, there; no token is left to renew. */
  async end(): Promise<void> {
    await this.#revoke();
    const { logoutEndpoint, clientId } = this.#config;
    if (logoutEndpoint !== undefined) {
      await this.#client.removeUser();
      const url = new URL(logoutEndpoint);
      url.searchParams.set("client_id", clientId);
      url.searchParams.set("logout_uri", pageAddress(this.#address.href));
      this.#address.open(url.href);
      return;
    }
    try {
      if ((await this.#client.metadataService.getEndSessionEndpoint()) !== undefined) {
        await this.#client.signoutRedirect();
        return;
      }
    } catch {
      // Without the issuer, the sign-in ends here alone.
    }
    await this.#client.removeUser();
  }

  /** A copy of the refresh token is of no use afterwards. */
  async #revoke(): Promise<void> {
    try {
      if ((await this.#client.metadataService.getRevocationEndpoint()) === undefined) return;
      await this.#client.revokeTokens(["refresh_token"]);
    } catch {
      // It ends by itself in time; the person is signed out nevertheless.
    }
  }

  async #renewed(user: IssuedUser, isStillGood: boolean): Promise<string> {
    const { id_token: current = "" } = user;
    if (user.refresh_token === undefined) {
      if (isStillGood) return current;
      await this.#client.removeUser();
      throw new SignInNeededError();
    }
    let renewed: string | undefined;
    try {
      renewed = (await this.#client.signinSilent())?.id_token;
    } catch (error) {
      if (isStillGood) return current;
      if (!isRefusal(error)) throw error;
      await this.#client.removeUser();
      throw new SignInNeededError({ cause: error });
    }
    // A new token is good whatever this computer's clock says. Not every issuer gives one.
    if (renewed !== undefined && (renewed !== current || isStillGood)) return renewed;
    await this.#client.removeUser();
    throw new SignInNeededError();
  }
}

/** The page without query and fragment: the address that the issuer knows. */
function pageAddress(href: string): string {
  const url = new URL(href);
  return url.origin + url.pathname;
}

function nameOf({ profile }: IssuedUser): string {
  const names = [profile.email, profile.preferred_username, profile.name];
  return names.find((name): name is string => typeof name === "string" && name !== "") ?? "";
}

/** Whether the issuer refused, or gave a token that oidc-client-ts refuses: another attempt is no use. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ErrorResponse || (error instanceof Error && /id.token/i.test(error.message))
  );
}

function problemOf(error: unknown): SignInProblem {
  if (error instanceof ErrorResponse) return "refused";
  return error instanceof Error && /state/i.test(error.message) ? "stale" : "unreachable";
}
