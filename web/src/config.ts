/** How speakers sign in: the authorization code flow with PKCE, as a public client. */
export interface SignInConfig {
  /** The issuer. Without the endpoints below, its discovery document names them. */
  readonly authority: string;
  readonly clientId: string;
  readonly scope: string;
  readonly authorizationEndpoint?: string;
  readonly tokenEndpoint?: string;
  /** Where a refresh token is revoked. */
  readonly revocationEndpoint?: string;
  /** Where Cognito signs a user out. */
  readonly logoutEndpoint?: string;
}

/** config.json, beside the pages: the stack that they belong to. */
export interface PageConfig {
  readonly websocketUrl: string;
  /** null: there is nothing to sign in with here, so that this page can only listen. */
  readonly signIn: SignInConfig | null;
  /** The listener page that join links lead to, if it is not the one beside the speaker page. */
  readonly listenerPage?: string;
  /** Whether a session's transcript can be kept. */
  readonly transcripts: boolean;
}

/** Reads config.json; raises an Error if it cannot be read. */
export async function readConfig(): Promise<PageConfig> {
  const response = await fetch("config.json");
  if (!response.ok) throw new Error(`config.json could not be read: HTTP ${response.status}`);
  return (await response.json()) as PageConfig;
}
