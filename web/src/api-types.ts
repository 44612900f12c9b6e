/** Types of the HTTP API, made from docs/api/openapi.json by `npm run docs`. Do not edit. */

export interface ProblemView {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong, and what to do. */
  readonly detail: string;
  /** A code of docs/errors.md. */
  readonly code: string;
  /** Finds the request in the log of the server. */
  readonly requestId: string;
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly {
    /** JSON Pointer to a value of the body. */
    readonly pointer?: string;
    /** The name of a parameter of the path or the query. */
    readonly parameter?: string;
    readonly detail: string;
  }[];
}

export interface EmbeddedZoneView {
  /** The apex, with the final dot. */
  readonly zone: string;
  /** The SOA serial; 0 for a zone that is not served and not in the database. */
  readonly serial: number;
  /** Names with records, and empty non-terminals. */
  readonly names: number;
  readonly secondaries: readonly SecondaryView[];
  /** Why the zone is not served, and what to do; absent if it is served. */
  readonly notServed?: string;
  /** Dynamic RRsets that collide with static ones: the first 100. Absent if there is none. */
  readonly unserved?: readonly UnservedRRsetView[];
  readonly unservedCount?: number;
  /** The signatures of a signed zone; absent for an unsigned one. */
  readonly signing?: {
    /** The number of signatures, counted at the last renewal. */
    readonly signatures: number;
    /** How many of them have expired. */
    readonly expired: number;
    /** What needs an operator, in sentences: missing keys, signatures that expire soon, a renewal that failed, `dnssec` removed from the configuration. Empty: nothing. */
    readonly troubles: readonly string[];
    /** When the first signature expires, like 2026-11-23T10:00:00Z; absent while they are not counted. */
    readonly firstExpiration?: string;
  };
}

export interface SecondaryView {
  /** `address:port`. */
  readonly endpoint: string;
  /** `unknown`: it has not named its serial yet; `up-to-date`; `sent`: it is not queried and was sent the newest version; `behind`; `refused`: it was sent a serial and still names an older one; `ahead`: its serial is later than ours; `not-answering`; `not-serving`: it answers, but not for this zone. */
  readonly state?: 'unknown' | 'up-to-date' | 'sent' | 'behind' | 'refused' | 'ahead' | 'not-answering' | 'not-serving';
  /** The state in words; completes "the secondary …". */
  readonly text?: string;
  /** Seconds since the state began. */
  readonly stateSeconds?: number;
  /** The serial that it named last; absent if it named none. */
  readonly serial?: number;
  /** The serial that it was sent and did not take, if the state is `refused`. */
  readonly refusedSerial?: number;
  /** Seconds since the oldest commit that it does not hold; absent if it holds all, or named none. */
  readonly behindSeconds?: number;
  /** Seconds since its last answer to a query; absent if it gave none. */
  readonly answerSeconds?: number;
  /** The last transfer that it took in full; absent if it took none since the start. */
  readonly transfer?: {
    readonly kind: 'AXFR' | 'IXFR';
    /** The serial that it was sent. */
    readonly serial: number;
    /** Seconds since then. */
    readonly seconds: number;
  };
  /** Its problem with NOTIFY; completes "the secondary …". */
  readonly problem?: string;
}

export interface UnservedRRsetView {
  /** The owner name, with the final dot. */
  readonly name: string;
  readonly type: string;
  /** Number of its records. */
  readonly records: number;
  /** What it collides with; completes "it is not served: …". */
  readonly why: string;
}

export interface WebhookView {
  readonly webhook: string;
  readonly waiting: number;
  readonly problem?: string;
}

export interface PendingUpdateView {
  /** The owner name of the host. */
  readonly host: string;
  readonly family: 'A' | 'AAAA';
  /** The address, or several with commas between them; null: no address. */
  readonly wanted: string | null;
  readonly since: string;
  readonly attempts: number;
  readonly nextAttempt: string;
  /** Why it could not be published: a code of docs/errors.md. */
  readonly lastError?: string;
}

export interface OptionInEffectView {
  /** The option, like `zones[0].ttl.default`. */
  readonly path: string;
  /** As in the file; a secret as `[secret]`. */
  readonly value: string;
  readonly origin: {
    readonly kind: 'file' | 'environment' | 'default';
    /** In words, like `/etc/dyndns.yml:12:3`. */
    readonly text: string;
    readonly file?: string;
    readonly line?: number;
    /** The name of the environment variable. */
    readonly variable?: string;
  };
}

export interface AuditEntryView {
  /** Unique. Later changes have greater ids, compared as texts. */
  readonly id: string;
  readonly time: string;
  /** Who; `operator` for commands on the machine of the server. */
  readonly user: string;
  /** The address that the request came from; empty if there is none. */
  readonly source: string;
  /** The name of the operation. */
  readonly operation: string;
  /** What it was done to. */
  readonly target: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
  /** The name of the management key. */
  readonly key?: string;
}

export interface SignInView {
  /** `code-needed`: the password is right; send it again with `code`. */
  readonly state: 'signed-in' | 'code-needed';
  readonly user?: UserView;
}

export interface UserView {
  /** The name of the user. */
  readonly name: string;
  /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. */
  readonly role: 'admin' | 'member';
  /** False: keys and tokens of the user are refused. */
  readonly enabled: boolean;
  readonly quotas: QuotasView;
  readonly created: string;
  /** Hosts that the user owns. */
  readonly hosts?: number;
  readonly tokens?: number;
}

export interface QuotasView {
  /** Hosts that the user owns. 0: no limit. */
  readonly hosts?: number;
  /** Valid tokens of the user. 0: no limit. */
  readonly tokens?: number;
  /** Changes a minute, of all tokens of the user together. 0: no limit. */
  readonly changesPerMinute?: number;
}

export interface InvitationView {
  readonly id: string;
  /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. */
  readonly role: 'admin' | 'member';
  readonly created: string;
  readonly expires: string;
  /** The user who made it; `operator`: the command line or the server. */
  readonly createdBy: string;
  /** The name that the new user gets. Absent: the user chooses it. */
  readonly name?: string;
}

export interface OneTimeLinkView {
  /** The link. It is shown only here, and is valid once. */
  readonly url: string;
  readonly expires: string;
}

export interface SessionView {
  readonly id: string;
  readonly created: string;
  /** Accurate to about a second. */
  readonly lastUsed: string;
  /** It ends then, or earlier when it is not used. */
  readonly expires: string;
  /** How the user signed in. */
  readonly method: 'link' | 'password' | 'oidc';
  /** The address that signed in; empty if it was not known. */
  readonly source: string;
  readonly userAgent: string;
  /** It is the session of this request. */
  readonly isCurrent: boolean;
}

export interface ManagementKeyView {
  /** The name of the key: for people and the audit list. Not secret. */
  readonly name: string;
  readonly state: 'valid' | 'expired' | 'unused' | 'revoked';
  readonly created: string;
  /** The last day on which it is valid, in UTC. */
  readonly expires?: string;
  /** It ends when it was not used for this number of days, since its creation or its last use. */
  readonly maxUnusedDays?: number;
  /** Accurate to about a second; absent: never. */
  readonly lastUsed?: string;
  readonly revoked?: string;
}

export interface NewManagementKeyView {
  readonly key: ManagementKeyView;
  /** The key itself. It is shown only here. */
  readonly secret: string;
}

export interface TokenView {
  /** The name of the token: for people, the log and the history. Not secret. */
  readonly name: string;
  /** Where it is defined: the configuration file or the store. */
  readonly origin: 'configuration' | 'store';
  /** Owner names that it may change. `*.x` covers every name below `x`. */
  readonly hosts: readonly string[];
  /** RR types that it may change. */
  readonly types: readonly string[];
  /** Addresses that it may publish. `own`: only the address that the request comes from. */
  readonly addresses: 'any' | 'own' | readonly string[];
  /** Only a valid token is accepted. `unused`: it has ended, by `maxUnusedDays`. */
  readonly state: 'valid' | 'expired' | 'unused' | 'revoked';
  /** The user whom it belongs to. Absent: the operator. */
  readonly owner?: string;
  /** Prefixes that its requests must come from. Without it: any address. */
  readonly sources?: readonly string[];
  /** The last day on which it is valid, in UTC. */
  readonly expires?: string;
  /** It may create accounts of acme-dns (`/register`), from any address. */
  readonly register?: boolean;
  /** It ends when it was not used for this number of days, since its creation or its last use. */
  readonly maxUnusedDays?: number;
  /** Absent for tokens of the configuration file. */
  readonly created?: string;
  /** When it was revoked. */
  readonly revoked?: string;
  /** The last use, if that is known. */
  readonly lastUsed?: string;
}

export interface NewTokenView {
  readonly token: TokenView;
  /** The credential of the client. It is shown only here. */
  readonly secret: string;
  /** The SHA-256 of the credential, for `tokens` in the configuration file. */
  readonly sha256: string;
  /** Makes it a token for FreeDNS version 1 only: the secret is the password of this user. In lower case, because some clients hash it so. */
  readonly freednsUser?: string;
}

export interface TokenToCreateView {
  /** The name of the token: for people, the log and the history. Not secret. */
  readonly name: string;
  /** Owner names that it may change. `*.x` covers every name below `x`. */
  readonly hosts: readonly string[];
  /** RR types that it may change. None: A and AAAA. */
  readonly types?: readonly string[];
  /** Addresses that it may publish. `own`: only the address that the request comes from. Without it: `any`. */
  readonly addresses?: 'any' | 'own' | readonly string[];
  /** Prefixes that its requests must come from. Without it: any address. */
  readonly sources?: readonly string[];
  /** The last day on which it is valid, in UTC. */
  readonly expires?: string;
  /** It may create accounts of acme-dns (`/register`), from any address. Not for tokens of members. */
  readonly register?: boolean;
  /** It ends when it was not used for this number of days, since its creation or its last use. */
  readonly maxUnusedDays?: number;
  /** Makes it a token for FreeDNS version 1 only: the secret is the password of this user. In lower case, because some clients hash it so. */
  readonly freednsUser?: string;
  /** The user whom it belongs to. Without it: the operator, or the member who asks. */
  readonly owner?: string;
}

export interface HostView {
  /** The owner name of the host. */
  readonly host: string;
  /** `none`: it has no settings of its own. */
  readonly origin: 'configuration' | 'store' | 'none';
  /** False: updates are refused. */
  readonly enabled: boolean;
  /** Addresses that may be published. Of all rules the longest prefix decides. */
  readonly allow: readonly string[];
  /** Addresses that may not be published. */
  readonly deny: readonly string[];
  /** Hosts that move with it to a new IPv6 prefix. */
  readonly members: readonly MemberView[];
  /** The TTL in seconds, if a request has none. Without it: that of the zone. */
  readonly ttl?: number;
  /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
  readonly silentAfterSeconds?: number;
  /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
  readonly leaseSeconds?: number;
  /** Addresses that are published when the lease ends: at most eight of each family. */
  readonly fallback?: readonly string[];
  /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
  readonly interfaceId?: string;
  /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
  readonly prefixLength?: number;
  /** The last update that was accepted. */
  readonly lastSeen?: string;
  /** Updates that changed nothing. */
  readonly repeats?: number;
  /** The user whom it belongs to. Absent: the operator. */
  readonly owner?: string;
  /** Other users who see or change it. Absent: none. */
  readonly shares?: readonly ShareView[];
  /** What the user who asks may do with it. Absent: everything. */
  readonly access?: 'own' | 'view' | 'change';
  /** Changes with its settings: the entity tag. */
  readonly revision?: string;
}

export interface MemberView {
  /** The owner name of the member, in the same zone. It may be the host itself. */
  readonly name: string;
  /** Its interface identifier. */
  readonly interfaceId?: string;
  /** The MAC address from which the interface identifier is made. */
  readonly mac?: string;
  /** The subnet of the member below a prefix that is shorter than /64. Without it: 0. */
  readonly subnet?: number;
}

export interface ShareView {
  /** The other user. */
  readonly user: string;
  /** `view`: see settings, addresses and history. `change`: also publish addresses and records, and make tokens for it. */
  readonly access: 'view' | 'change';
}

export interface HostToCreateView {
  /** The owner name of the host. */
  readonly host: string;
  /** Addresses that may be published. Of all rules the longest prefix decides. */
  readonly allow?: readonly string[];
  /** Addresses that may not be published. */
  readonly deny?: readonly string[];
  /** The TTL in seconds, if a request has none. Without it: that of the zone. */
  readonly ttl?: number;
  /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
  readonly silentAfterSeconds?: number;
  /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
  readonly leaseSeconds?: number;
  /** Addresses that are published when the lease ends: at most eight of each family. */
  readonly fallback?: readonly string[];
  /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
  readonly interfaceId?: string;
  /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
  readonly prefixLength?: number;
  /** False: updates are refused. Without it: true. */
  readonly enabled?: boolean;
  /** Its members. Without it: those that it has. */
  readonly members?: readonly MemberView[];
  /** The user whom it belongs to. Without it: the operator, or the member who asks. */
  readonly owner?: string;
}

export interface HostWithDetailsView {
  /** The owner name of the host. */
  readonly host: string;
  /** `none`: it has no settings of its own. */
  readonly origin: 'configuration' | 'store' | 'none';
  /** False: updates are refused. */
  readonly enabled: boolean;
  /** Addresses that may be published. Of all rules the longest prefix decides. */
  readonly allow: readonly string[];
  /** Addresses that may not be published. */
  readonly deny: readonly string[];
  /** Hosts that move with it to a new IPv6 prefix. */
  readonly members: readonly MemberView[];
  /** Updates that were accepted and not yet published. */
  readonly pending: readonly PendingUpdateView[];
  /** Valid tokens that may change it. */
  readonly tokens: readonly {
    readonly name: string;
    /** Where it is defined: the configuration file or the store. */
    readonly origin: 'configuration' | 'store';
    readonly types: readonly string[];
  }[];
  /** The TTL in seconds, if a request has none. Without it: that of the zone. */
  readonly ttl?: number;
  /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
  readonly silentAfterSeconds?: number;
  /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
  readonly leaseSeconds?: number;
  /** Addresses that are published when the lease ends: at most eight of each family. */
  readonly fallback?: readonly string[];
  /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
  readonly interfaceId?: string;
  /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
  readonly prefixLength?: number;
  /** The last update that was accepted. */
  readonly lastSeen?: string;
  /** Updates that changed nothing. */
  readonly repeats?: number;
  /** The user whom it belongs to. Absent: the operator. */
  readonly owner?: string;
  /** Other users who see or change it. Absent: none. */
  readonly shares?: readonly ShareView[];
  /** What the user who asks may do with it. Absent: everything. */
  readonly access?: 'own' | 'view' | 'change';
  /** Changes with its settings: the entity tag. */
  readonly revision?: string;
  /** What the primary answers now. */
  readonly published?: {
    readonly A: readonly string[];
    readonly AAAA: readonly string[];
  };
  /** Why `published` is not known. */
  readonly publishedProblem?: string;
}

export interface ChangedAddressesView {
  /** The owner name of the host. */
  readonly host: string;
  /** False: the addresses were these already, or it was a dry run. */
  readonly changed: boolean;
  /** Lines as the original API answers them; of a dry run what would change. */
  readonly text: string;
  readonly warning?: string;
  readonly preview?: PreviewView;
  /** How many secondaries serve the change, of those that are queried; after `wait`, in an embedded zone of a running server. */
  readonly secondaries?: {
    readonly served: number;
    readonly listed: number;
  };
}

export interface PreviewView {
  readonly A: {
    /** What is published now. */
    readonly before: readonly string[];
    /** What would be published. */
    readonly after: readonly string[];
    readonly changed: boolean;
  };
  readonly AAAA: {
    /** What is published now. */
    readonly before: readonly string[];
    /** What would be published. */
    readonly after: readonly string[];
    readonly changed: boolean;
  };
  /** The AAAA records of hosts that would move with it. */
  readonly members: readonly {
    /** The owner name of the host. */
    readonly host: string;
    /** What is published now. */
    readonly before: readonly string[];
    /** What would be published. */
    readonly after: readonly string[];
    readonly changed: boolean;
  }[];
  /** Members that would stay as they are. */
  readonly left: readonly {
    /** The owner name of the host. */
    readonly host: string;
    readonly why: string;
  }[];
}

export interface InstructionsView {
  readonly client: string;
  readonly title: string;
  /** The page of the documentation. */
  readonly page: string;
  readonly server: string;
  /** The owner name of the host. */
  readonly host: string;
  /** The name of the token. Its secret stands as `TOKEN`: only its creation shows it. */
  readonly token: string;
  readonly sections: readonly {
    /** `fields` of a screen, or the `text` of a file or command. */
    readonly kind: 'fields' | 'text';
    readonly id: string;
    readonly title: string;
    readonly fields?: readonly {
      /** As the screen names it. */
      readonly name: string;
      readonly value: string;
      readonly isChoice?: boolean;
      readonly note?: string;
      readonly text?: string;
    }[];
    readonly file?: string;
    readonly mode?: string;
    readonly text?: string;
  }[];
  /** What the client gets wrong. */
  readonly warnings: readonly string[];
}

export interface HostInTheOverviewView {
  /** The owner name of the host. */
  readonly host: string;
  /** `none`: it has no settings of its own. */
  readonly origin: 'configuration' | 'store' | 'none';
  readonly enabled: boolean;
  /** The first that holds. `disabled`: updates are refused; `waiting`: an update was accepted and is not published yet; `lease-ended`: its addresses were replaced because it was silent; `never`: no update yet; `silent`: for longer than its settings allow; `fresh`: else. */
  readonly state: 'waiting' | 'silent' | 'lease-ended' | 'disabled' | 'never' | 'fresh';
  /** Hosts that move with it to a new IPv6 prefix. */
  readonly members: number;
  /** Changes on each of the 90 days, the oldest first. */
  readonly changes: readonly number[];
  /** Refusals and failures on each of the 90 days, the oldest first. */
  readonly faults: readonly number[];
  /** Of `silent` the last update, of `waiting` when the update was accepted, of `lease-ended` when the addresses were replaced. */
  readonly since?: string;
  /** What was published last; absent if nothing is known of the family. */
  readonly A?: {
    readonly addresses: readonly string[];
    /** Since when they are these; absent: longer than the history knows. */
    readonly since?: string;
  };
  /** What was published last; absent if nothing is known of the family. */
  readonly AAAA?: {
    readonly addresses: readonly string[];
    /** Since when they are these; absent: longer than the history knows. */
    readonly since?: string;
  };
  /** The last update that was accepted. */
  readonly lastSeen?: string;
  /** The last update that changed something. */
  readonly lastChange?: string;
  readonly fault?: FaultView;
  /** The user whom it belongs to. Absent: the operator. */
  readonly owner?: string;
  /** What the user who asks may do with it. Absent: everything. */
  readonly access?: 'own' | 'view' | 'change';
}

export interface FaultView {
  /** The id of the event. */
  readonly id: string;
  readonly time: string;
  readonly outcome: 'refused' | 'failed';
  /** Why, in a sentence. */
  readonly text: string;
  /** The token or TSIG key; `master` for the master secret. */
  readonly actor: string;
  /** The address of the client; empty if there is none. */
  readonly source: string;
  /** A code of docs/errors.md. */
  readonly code?: string;
  /** Further facts. */
  readonly detail?: string;
}

export interface AnswerOfANameserverView {
  /** `address:port`; `this server` for an embedded zone; a name if it has no address. */
  readonly server: string;
  /** `secondary`: of the configuration; `nameserver`: in the NS records of the zone alone. */
  readonly role: 'this-server' | 'primary' | 'secondary' | 'nameserver';
  /** Its name in the NS records. */
  readonly name?: string;
  /** Without addresses: it answers that there are none. */
  readonly A?: {
    readonly addresses: readonly string[];
    /** The TTL of the answer in seconds; absent without addresses. */
    readonly ttl?: number;
  };
  /** Without addresses: it answers that there are none. */
  readonly AAAA?: {
    readonly addresses: readonly string[];
    /** The TTL of the answer in seconds; absent without addresses. */
    readonly ttl?: number;
  };
  /** The SOA serial of the zone that it names. */
  readonly serial?: number;
  /** Whether it answers the addresses of `wanted`; absent: not known. */
  readonly agrees?: boolean;
  /** Until its last answer. */
  readonly milliseconds?: number;
  /** Why there is no answer. */
  readonly problem?: string;
}

export interface SpanOfTimeWithTheSameAddressesView {
  /** The id of the event that began it. */
  readonly id: string;
  /** None: it had no address of the family. */
  readonly addresses: readonly string[];
  readonly from: string;
  /** How long. */
  readonly seconds: number;
  /** The client protocol of the change. */
  readonly protocol: string;
  /** The token or TSIG key; `master` for the master secret. */
  readonly actor: string;
  /** The address of the client; empty if there is none. */
  readonly source: string;
  /** Absent: until now. */
  readonly until?: string;
}

export interface EventView {
  /** Unique. Later events have greater ids, compared as texts. */
  readonly id: string;
  readonly time: string;
  /** The client protocol, like `dyndns2`; `update` for DNS UPDATE. */
  readonly protocol: string;
  /** The token or TSIG key; `master` for the master secret. */
  readonly actor: string;
  /** The address of the client; empty if there is none. */
  readonly source: string;
  readonly userAgent: string;
  readonly outcome: 'changed' | 'refused' | 'failed';
  /** Addresses before and after the event. */
  readonly A?: {
    readonly before: readonly string[];
    readonly after: readonly string[];
  };
  /** Addresses before and after the event. */
  readonly AAAA?: {
    readonly before: readonly string[];
    readonly after: readonly string[];
  };
  /** True if a private address was published: RFC 1918, unique local (fc00::/7), or carrier NAT (100.64.0.0/10). */
  readonly private?: boolean;
  /** Why it was refused or failed: a code of docs/errors.md. */
  readonly code?: string;
  /** Further facts, like other types that were changed. */
  readonly detail?: string;
  /** Of a change in an embedded zone: the SOA serial that has it, or a later one that was published with it. */
  readonly serial?: number;
  /** The secondaries that were queried at that time, and when each served the change. */
  readonly secondaries?: readonly {
    /** `address:port`. */
    readonly secondary: string;
    /** From the change to the first answer that has it; absent: not yet. */
    readonly seconds?: number;
  }[];
}

export interface EventWithItsHostView {
  /** The owner name of the host. */
  readonly host: string;
  /** Unique. Later events have greater ids, compared as texts. */
  readonly id: string;
  readonly time: string;
  /** The client protocol, like `dyndns2`; `update` for DNS UPDATE. */
  readonly protocol: string;
  /** The token or TSIG key; `master` for the master secret. */
  readonly actor: string;
  /** The address of the client; empty if there is none. */
  readonly source: string;
  readonly userAgent: string;
  readonly outcome: 'changed' | 'refused' | 'failed';
  /** Addresses before and after the event. */
  readonly A?: {
    readonly before: readonly string[];
    readonly after: readonly string[];
  };
  /** Addresses before and after the event. */
  readonly AAAA?: {
    readonly before: readonly string[];
    readonly after: readonly string[];
  };
  /** True if a private address was published: RFC 1918, unique local (fc00::/7), or carrier NAT (100.64.0.0/10). */
  readonly private?: boolean;
  /** Why it was refused or failed: a code of docs/errors.md. */
  readonly code?: string;
  /** Further facts, like other types that were changed. */
  readonly detail?: string;
  /** Of a change in an embedded zone: the SOA serial that has it, or a later one that was published with it. */
  readonly serial?: number;
  /** The secondaries that were queried at that time, and when each served the change. */
  readonly secondaries?: readonly {
    /** `address:port`. */
    readonly secondary: string;
    /** From the change to the first answer that has it; absent: not yet. */
    readonly seconds?: number;
  }[];
}

export interface ZoneWithAnotherPrimaryView {
  /** The apex, with the final dot. */
  readonly zone: string;
  /** `address:port` of its primary. */
  readonly primary: string;
}

export interface FindingView {
  /** What was checked. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem' | 'not checked';
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

export interface KeyOfASignedZoneView {
  /** The key tag (RFC 4034 appendix B). */
  readonly keyTag: number;
  /** The number of the algorithm: 13 or 15. */
  readonly algorithm: number;
  /** The name of the algorithm: ECDSAP256SHA256 or ED25519. */
  readonly mnemonic: string;
  readonly dnskey: {
    /** 257: the DS record names this key. */
    readonly flags: number;
    /** Always 3. */
    readonly protocol: number;
    readonly algorithm: number;
    /** Base64. */
    readonly publicKey: string;
    /** The record in presentation form. */
    readonly record: string;
  };
  /** The DS record for the parent; absent while the parent must not have it: the zone has no CDS record of this key. */
  readonly ds?: {
    readonly keyTag: number;
    readonly algorithm: number;
    /** 2: SHA-256. */
    readonly digestType: number;
    /** Hexadecimal. */
    readonly digest: string;
    /** The record in presentation form. */
    readonly record: string;
  };
}

export interface KeyOnDiskView {
  /** The key tag (RFC 4034 appendix B). */
  readonly keyTag: number;
  /** The number of the algorithm: 13 or 15. */
  readonly algorithm: number;
  /** The name of the algorithm: ECDSAP256SHA256 or ED25519. */
  readonly mnemonic: string;
  /** Whether the zone has its DNSKEY record. */
  readonly published: boolean;
  /** When it was made; absent if its files do not say that. */
  readonly created?: string;
}

export interface RRsetView {
  /** The owner name, with the final dot. */
  readonly name: string;
  /** The RR type, like `TXT`. */
  readonly type: string;
  readonly ttl: number;
  /** RDATA in presentation format. */
  readonly records: readonly string[];
  /** True: the configuration sets it, and it is changed only there. */
  readonly static?: boolean;
  /** Of a static one: where it is in the configuration. Absent for SOA and NS, which are made from other options. */
  readonly place?: {
    readonly file: string;
    readonly line: number;
  };
}

export interface ChangeOfAnRRsetView {
  /** The owner name, absolute; the final dot may be left out. */
  readonly name: string;
  /** The RR type, like `TXT`. */
  readonly type: string;
  /** `replace`: the RRset has these records and no others; `delete`: the RRset is removed; `add` and `remove`: records are added to it or taken from it. */
  readonly action: 'replace' | 'delete' | 'add' | 'remove';
  /** The TTL in seconds. Without it: that of the RRset, else that of the zone. */
  readonly ttl?: number;
  /** Records of the change; not for `delete`. */
  readonly records?: readonly string[];
}

export interface DifferenceOfAnRRsetView {
  /** The owner name, with the final dot. */
  readonly name: string;
  /** The RR type, like `TXT`. */
  readonly type: string;
  /** Absent: there was none. */
  readonly before?: {
    readonly ttl: number;
    /** RDATA in presentation format. */
    readonly records: readonly string[];
  };
  /** Absent: it is removed. */
  readonly after?: {
    readonly ttl: number;
    /** RDATA in presentation format. */
    readonly records: readonly string[];
  };
}

/** Each operation: method and path -> input (fields of path, query and body together) and result. */
export interface Operations {
  /** Shows listeners, zones, secondaries, webhooks and pending updates of the server. */
  'GET /v1/status': {
    input: Record<never, never>;
    result: {
      readonly version: string;
      readonly pid: number;
      readonly uptimeSeconds: number;
      /** URLs at which it serves HTTP. */
      readonly http: readonly string[];
      /** Addresses and ports at which it serves DNS. */
      readonly dns: readonly string[];
      readonly embedded: readonly EmbeddedZoneView[];
      /** Apexes of zones with another primary. */
      readonly remote: readonly string[];
      /** Absolute path of its configuration file. */
      readonly configFile?: string;
      /** The certificate of HTTPS. `ends` is absent while the server uses its self-signed one. */
      readonly certificate?: {
        readonly names: readonly string[];
        readonly ends?: string;
      };
      /** For each webhook, by its number and host, the deliveries in its queue and why the last attempt failed. */
      readonly webhooks?: readonly WebhookView[];
      /** Updates that were accepted and not yet published. */
      readonly pending?: {
        readonly count: number;
        /** At most 100, the oldest first. */
        readonly oldest: readonly PendingUpdateView[];
      };
      /** Why `pending` is not known. */
      readonly pendingProblem?: string;
    };
  };
  /** Says whether the server is ready, like `/readyz`. */
  'GET /v1/health': {
    input: Record<never, never>;
    result: {
      /** The parts that do not work, in the words of `/readyz`: server, dns, store. Empty: the server is ready. */
      readonly notReady: readonly string[];
    };
  };
  /** Reads the configuration file again, like SIGHUP. If the file is not valid the old configuration stays in effect, and the error has every problem. */
  'POST /v1/reload': {
    input: Record<never, never>;
    result: {
      readonly outcome: 'reloaded';
      /** Warnings about the configuration, and options that need a restart. */
      readonly warnings: readonly string[];
    };
  };
  /** Shows the configuration as it was read last, each value with its origin, like `dyndns config`. Options that need a restart may still have the value of the start. */
  'GET /v1/config': {
    input: Record<never, never>;
    result: {
      readonly options: readonly OptionInEffectView[];
      /** Absolute path of the configuration file. */
      readonly file?: string;
    };
  };
  /** Writes, reads back and removes a TXT record in each zone. */
  'POST /v1/check': {
    input: Record<never, never>;
    result: {
      /** Lines as the original API answers them. */
      readonly text: string;
      /** False if a zone failed. */
      readonly passed: boolean;
    };
  };
  /** Lists the webhooks of the configuration, by number and host, with what waits in their queues. */
  'GET /v1/webhooks': {
    input: Record<never, never>;
    result: {
      readonly webhooks: readonly WebhookView[];
    };
  };
  /** Sends a test to a webhook, now and once. */
  'POST /v1/webhooks/{webhook}/test': {
    input: {
      /** Its number in the configuration, from 1. */
      readonly webhook: number;
    };
    result: {
      readonly webhook: string;
      readonly delivered: boolean;
      /** Why it was not delivered. */
      readonly problem?: string;
    };
  };
  /** Reads the audit list: every administrative change, newest first. */
  'GET /v1/audit': {
    input: {
      /** Only changes by this user. */
      readonly user?: string | undefined;
      /** Only changes by this operation. */
      readonly operation?: string | undefined;
      /** Only changes at this time or later. */
      readonly since?: string | undefined;
      /** The number of changes. Without it: 100. */
      readonly limit?: number | undefined;
      /** Only changes with smaller ids. */
      readonly before?: string | undefined;
    };
    result: {
      /** Newest first. */
      readonly entries: readonly AuditEntryView[];
      /** The `before` of the next page; absent on the last one. */
      readonly next?: string;
    };
  };
  /** Says how users can sign in. */
  'GET /v1/sign-in': {
    input: Record<never, never>;
    result: {
      readonly ways: readonly ('link' | 'password' | 'oidc')[];
      /** The request has a session, or a reverse proxy names its user. */
      readonly signedIn: boolean;
      /** False: the server has no users yet. */
      readonly hasUsers: boolean;
      /** What the button of the OpenID provider says. */
      readonly oidcTitle?: string;
      /** True: `dyndns setup` answers; the server is not configured yet. */
      readonly setup?: boolean;
    };
  };
  /** Signs in with a password or a one-time link: the reply sets the cookie of a session. */
  'POST /v1/sign-in': {
    input: {
      /** The name of the user. */
      readonly user?: string | undefined;
      /** The password. */
      readonly password?: string | undefined;
      /** A code of the authenticator app, or a recovery code. */
      readonly code?: string | undefined;
      /** The part of the link after `#link=` or `#invitation=`. */
      readonly link?: string | undefined;
    };
    result: SignInView;
  };
  /** Ends the session of this request. */
  'DELETE /v1/sign-in': {
    input: Record<never, never>;
    result: Record<never, never>;
  };
  /** Shows the invitation of a link. The link stays valid. */
  'POST /v1/invitations:show': {
    input: {
      /** The part of the link after `#link=` or `#invitation=`. */
      readonly link: string;
    };
    result: {
      /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. */
      readonly role: 'admin' | 'member';
      readonly expires: string;
      /** It makes the first user of the server. */
      readonly isFirst: boolean;
      /** The name that the new user gets. Absent: the user chooses it. */
      readonly name?: string;
    };
  };
  /** Uses an invitation: creates the user and signs in. Without a password the user can sign in by links only. */
  'POST /v1/invitations:accept': {
    input: {
      /** The part of the link after `#link=` or `#invitation=`. */
      readonly link: string;
      /** The name of the user. */
      readonly name: string;
      /** The new password: 10 to 200 characters. */
      readonly password?: string | undefined;
    };
    result: SignInView;
  };
  /** Lists the invitations that are still open, newest first. */
  'GET /v1/invitations': {
    input: Record<never, never>;
    result: {
      readonly invitations: readonly InvitationView[];
    };
  };
  /** Makes a link by which a person becomes a user. It is valid once, for seven days. */
  'POST /v1/invitations': {
    input: {
      /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. */
      readonly role?: 'admin' | 'member' | undefined;
      /** The name of the user. */
      readonly name?: string | undefined;
      readonly quotas?: QuotasView | undefined;
    };
    result: {
      readonly invitation: InvitationView;
      /** The link. It is shown only here, and is valid once. */
      readonly url: string;
    };
  };
  /** Ends an invitation. */
  'DELETE /v1/invitations/{id}': {
    input: {
      /** The id of the invitation. */
      readonly id: string;
    };
    result: InvitationView;
  };
  /** Makes a link by which the user signs in without a password. It is valid once, for 15 minutes, and ends earlier ones. */
  'POST /v1/users/{user}/link': {
    input: {
      /** The name of the user. */
      readonly user: string;
    };
    result: OneTimeLinkView;
  };
  /** Lists where the user who asks is signed in. */
  'GET /v1/me/sessions': {
    input: Record<never, never>;
    result: {
      /** Newest first. */
      readonly sessions: readonly SessionView[];
    };
  };
  /** Ends a session of the user who asks. Open pages of it are signed out within a second. */
  'DELETE /v1/me/sessions/{id}': {
    input: {
      /** The id of the session. */
      readonly id: string;
    };
    result: Record<never, never>;
  };
  /** Lists where a user is signed in. */
  'GET /v1/users/{user}/sessions': {
    input: {
      /** The name of the user. */
      readonly user: string;
    };
    result: {
      /** Newest first. */
      readonly sessions: readonly SessionView[];
    };
  };
  /** Ends a session of a user. Open pages of it are signed out within a second. */
  'DELETE /v1/users/{user}/sessions/{id}': {
    input: {
      /** The name of the user. */
      readonly user: string;
      /** The id of the session. */
      readonly id: string;
    };
    result: Record<never, never>;
  };
  /** Sets the password of the user who is signed in, and ends all other sessions. `current` is needed where there is one, except soon after a sign-in by a link. */
  'PUT /v1/me/password': {
    input: {
      /** The new password: 10 to 200 characters. */
      readonly password: string;
      /** The password. */
      readonly current?: string | undefined;
    };
    result: Record<never, never>;
  };
  /** Makes the secret of a second factor (TOTP, RFC 6238). It is in force when a code confirms it. */
  'POST /v1/me/totp': {
    input: Record<never, never>;
    result: {
      /** In Base32. */
      readonly secret: string;
      /** What the QR code for an authenticator app has. */
      readonly uri: string;
    };
  };
  /** Puts the second factor in force. The result has the recovery codes, which cannot be read again. */
  'PUT /v1/me/totp': {
    input: {
      /** A code of the authenticator app, or a recovery code. */
      readonly code: string;
    };
    result: {
      readonly recoveryCodes: readonly string[];
    };
  };
  /** Removes the second factor of the user who is signed in. */
  'POST /v1/me/totp:end': {
    input: {
      /** A code of the authenticator app, or a recovery code. */
      readonly code: string;
    };
    result: Record<never, never>;
  };
  /** Removes the second factor of a user who lost it. */
  'DELETE /v1/users/{user}/totp': {
    input: {
      /** The name of the user. */
      readonly user: string;
    };
    result: Record<never, never>;
  };
  /** Shows the user who asks, with quotas, and the zones in which the user may take names. */
  'GET /v1/me': {
    input: Record<never, never>;
    result: {
      readonly user: UserView;
      /** Zones in which members may take names, with the pattern relative to the zone. */
      readonly claims: readonly {
        readonly zone: string;
        readonly pattern: string;
      }[];
      readonly hasPassword: boolean;
      /** A second factor is in force. */
      readonly hasTotp: boolean;
      /** Recovery codes that are left. */
      readonly recoveryCodes?: number;
      /** Of a request with the cookie of a session. */
      readonly session?: {
        readonly id: string;
        readonly expires: string;
        readonly method: 'link' | 'password' | 'oidc';
      };
    };
  };
  /** Lists the management keys of the user who asks. */
  'GET /v1/me/keys': {
    input: Record<never, never>;
    result: {
      readonly keys: readonly ManagementKeyView[];
    };
  };
  /** Makes a management key for the user who asks. The result has the key, which cannot be read again. */
  'POST /v1/me/keys': {
    input: {
      /** The name of the key: for people and the audit list. Not secret. */
      readonly name: string;
      /** The last day on which it is valid, in UTC. */
      readonly expires?: string | undefined;
      /** It ends when it was not used for this number of days, since its creation or its last use. */
      readonly maxUnusedDays?: number | undefined;
    };
    result: NewManagementKeyView;
  };
  /** Revokes a management key of the user who asks. It is refused from the next request on. */
  'DELETE /v1/me/keys/{name}': {
    input: {
      /** The name of the key: for people and the audit list. Not secret. */
      readonly name: string;
    };
    result: ManagementKeyView;
  };
  /** Lists the users by name. */
  'GET /v1/users': {
    input: {
      /** Only users with this text in their name. */
      readonly search?: string | undefined;
      /** The most that one reply lists. Without it: 500. */
      readonly limit?: number | undefined;
      /** Begins behind an earlier page: its `next`. */
      readonly cursor?: string | undefined;
    };
    result: {
      readonly users: readonly UserView[];
      /** The `cursor` of the next page; absent on the last one. It has no other meaning. */
      readonly next?: string;
    };
  };
  /** Creates a user. The user signs in with a management key. */
  'POST /v1/users': {
    input: {
      /** The name of the user. */
      readonly name: string;
      /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. Without it: member. */
      readonly role?: 'admin' | 'member' | undefined;
      readonly quotas?: QuotasView | undefined;
    };
    result: UserView;
  };
  /** Shows a user with the numbers of hosts and tokens. */
  'GET /v1/users/{name}': {
    input: {
      /** The name of the user. */
      readonly name: string;
    };
    result: UserView;
  };
  /** Changes the role or the quotas of a user, or disables and enables the user. */
  'PATCH /v1/users/{name}': {
    input: {
      /** The name of the user. */
      readonly name: string;
      /** `admin`: everything but files of the server. `member`: own hosts and tokens, and hosts that are shared. */
      readonly role?: 'admin' | 'member' | undefined;
      readonly quotas?: QuotasView | undefined;
      readonly enabled?: boolean | undefined;
    };
    result: UserView;
  };
  /** Removes a user and the keys of the user. Says what becomes of hosts, tokens and history. */
  'DELETE /v1/users/{name}': {
    input: {
      /** The name of the user. */
      readonly name: string;
      /** `operator`: hosts stay and belong to the operator. `remove`: their settings are removed. Records stay. */
      readonly hosts: 'operator' | 'remove';
      /** `operator`: tokens stay valid and belong to the operator. */
      readonly tokens: 'operator' | 'revoke';
      /** Of the hosts that the user owned. */
      readonly history: 'keep' | 'purge';
    };
    result: UserView;
  };
  /** Lists the management keys of a user. */
  'GET /v1/users/{user}/keys': {
    input: {
      /** The name of the user. */
      readonly user: string;
    };
    result: {
      readonly keys: readonly ManagementKeyView[];
    };
  };
  /** Makes a management key for a user. The result has the key, which cannot be read again. */
  'POST /v1/users/{user}/keys': {
    input: {
      /** The name of the user. */
      readonly user: string;
      /** The name of the key: for people and the audit list. Not secret. */
      readonly name: string;
      /** The last day on which it is valid, in UTC. */
      readonly expires?: string | undefined;
      /** It ends when it was not used for this number of days, since its creation or its last use. */
      readonly maxUnusedDays?: number | undefined;
    };
    result: NewManagementKeyView;
  };
  /** Revokes a management key of a user. It is refused from the next request on. */
  'DELETE /v1/users/{user}/keys/{name}': {
    input: {
      /** The name of the user. */
      readonly user: string;
      /** The name of the key: for people and the audit list. Not secret. */
      readonly name: string;
    };
    result: ManagementKeyView;
  };
  /** Lists tokens by name, revoked ones included; on the first page those of the configuration file come first. A member sees own tokens. */
  'GET /v1/tokens': {
    input: {
      /** Only tokens of this user. */
      readonly owner?: string | undefined;
      /** Only tokens with this text in their name. */
      readonly search?: string | undefined;
      /** The most that one reply lists. Without it: 500. */
      readonly limit?: number | undefined;
      /** Begins behind an earlier page: its `next`. */
      readonly cursor?: string | undefined;
    };
    result: {
      readonly tokens: readonly TokenView[];
      /** The `cursor` of the next page; absent on the last one. It has no other meaning. */
      readonly next?: string;
    };
  };
  /** Creates a token. The result has its secret, which cannot be read again. A member names hosts that the member may change, without patterns. */
  'POST /v1/tokens': {
    input: {
      /** The name of the token: for people, the log and the history. Not secret. */
      readonly name: string;
      /** Owner names that it may change. `*.x` covers every name below `x`. */
      readonly hosts: readonly string[];
      /** RR types that it may change. None: A and AAAA. */
      readonly types?: readonly string[] | undefined;
      /** Addresses that it may publish. `own`: only the address that the request comes from. Without it: `any`. */
      readonly addresses?: 'any' | 'own' | readonly string[] | undefined;
      /** Prefixes that its requests must come from. Without it: any address. */
      readonly sources?: readonly string[] | undefined;
      /** The last day on which it is valid, in UTC. */
      readonly expires?: string | undefined;
      /** It may create accounts of acme-dns (`/register`), from any address. Not for tokens of members. */
      readonly register?: boolean | undefined;
      /** It ends when it was not used for this number of days, since its creation or its last use. */
      readonly maxUnusedDays?: number | undefined;
      /** Makes it a token for FreeDNS version 1 only: the secret is the password of this user. In lower case, because some clients hash it so. */
      readonly freednsUser?: string | undefined;
      /** The user whom it belongs to. Without it: the operator, or the member who asks. */
      readonly owner?: string | undefined;
    };
    result: NewTokenView;
  };
  /** Creates many tokens at once, all of them or none. With `owner` the literal hosts of a token are given to that user, if they have no owner. */
  'POST /v1/tokens:batch': {
    input: {
      /** The tokens. */
      readonly tokens: readonly TokenToCreateView[];
      /** Creates each `owner` that does not exist, as a member. Without it: an error. */
      readonly createOwners?: boolean | undefined;
    };
    result: {
      /** In the order of the request. */
      readonly tokens: readonly NewTokenView[];
    };
  };
  /** Says whether a token may change records of a host, and why not. Changes nothing. */
  'GET /v1/tokens/{name}/check': {
    input: {
      /** The name of the token: for people, the log and the history. Not secret. */
      readonly name: string;
      /** The owner name. */
      readonly host: string;
      /** The RR type, like `A`. */
      readonly type: string;
      /** Also whether this address may be published. */
      readonly address?: string | undefined;
    };
    result: {
      readonly token: string;
      readonly host: string;
      readonly type: string;
      /** True if all rules pass. */
      readonly allowed: boolean;
      readonly reasons: readonly {
        readonly rule: 'state' | 'name' | 'type' | 'zone' | 'owner' | 'host' | 'address';
        readonly passed: boolean;
        readonly text: string;
      }[];
    };
  };
  /** Shows a token that is not revoked. */
  'GET /v1/tokens/{name}': {
    input: {
      /** The name of the token: for people, the log and the history. Not secret. */
      readonly name: string;
    };
    result: TokenView;
  };
  /** Revokes a token. Every server refuses it within one second. */
  'DELETE /v1/tokens/{name}': {
    input: {
      /** The name of the token: for people, the log and the history. Not secret. */
      readonly name: string;
    };
    result: TokenView;
  };
  /** Gives a token a new secret. The old one is refused within one second. */
  'POST /v1/tokens/{name}/rotate': {
    input: {
      /** The name of the token: for people, the log and the history. Not secret. */
      readonly name: string;
      /** Makes it a token for FreeDNS version 1 only: the secret is the password of this user. In lower case, because some clients hash it so. */
      readonly freednsUser?: string | undefined;
    };
    result: NewTokenView;
  };
  /** Lists hosts by name: those with settings and those that were updated. A member sees own hosts and those that are shared. */
  'GET /v1/hosts': {
    input: {
      /** Only hosts of this user. */
      readonly owner?: string | undefined;
      /** Only hosts with this text in their name. */
      readonly search?: string | undefined;
      /** The most that one reply lists. Without it: 500. */
      readonly limit?: number | undefined;
      /** Begins behind an earlier page: its `next`. */
      readonly cursor?: string | undefined;
    };
    result: {
      readonly hosts: readonly HostView[];
      /** The `cursor` of the next page; absent on the last one. It has no other meaning. */
      readonly next?: string;
    };
  };
  /** Stores the settings of a host. A member takes a name by it, where the zone lets members do so. */
  'POST /v1/hosts': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Addresses that may be published. Of all rules the longest prefix decides. */
      readonly allow?: readonly string[] | undefined;
      /** Addresses that may not be published. */
      readonly deny?: readonly string[] | undefined;
      /** The TTL in seconds, if a request has none. Without it: that of the zone. */
      readonly ttl?: number | undefined;
      /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
      readonly silentAfterSeconds?: number | undefined;
      /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
      readonly leaseSeconds?: number | undefined;
      /** Addresses that are published when the lease ends: at most eight of each family. */
      readonly fallback?: readonly string[] | undefined;
      /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
      readonly interfaceId?: string | undefined;
      /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
      readonly prefixLength?: number | undefined;
      /** False: updates are refused. Without it: true. */
      readonly enabled?: boolean | undefined;
      /** Its members. Without it: those that it has. */
      readonly members?: readonly MemberView[] | undefined;
      /** The user whom it belongs to. Without it: the operator, or the member who asks. */
      readonly owner?: string | undefined;
      /** Replaces settings that exist. Without it they are a `conflict`. */
      readonly replace?: boolean | undefined;
    };
    result: HostView;
  };
  /** Stores the settings of many hosts at once, of all of them or of none. None of them may have settings. */
  'POST /v1/hosts:batch': {
    input: {
      /** The hosts. */
      readonly hosts: readonly HostToCreateView[];
      /** Creates each `owner` that does not exist, as a member. Without it: an error. */
      readonly createOwners?: boolean | undefined;
    };
    result: {
      /** In the order of the request. */
      readonly hosts: readonly HostView[];
    };
  };
  /** Shows the settings of a host, its published addresses, pending updates and tokens. */
  'GET /v1/hosts/{host}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: HostWithDetailsView;
  };
  /** Replaces the settings of a host: what is not sent gets its default. Owner and shares stay. */
  'PUT /v1/hosts/{host}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Addresses that may be published. Of all rules the longest prefix decides. */
      readonly allow?: readonly string[] | undefined;
      /** Addresses that may not be published. */
      readonly deny?: readonly string[] | undefined;
      /** The TTL in seconds, if a request has none. Without it: that of the zone. */
      readonly ttl?: number | undefined;
      /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
      readonly silentAfterSeconds?: number | undefined;
      /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
      readonly leaseSeconds?: number | undefined;
      /** Addresses that are published when the lease ends: at most eight of each family. */
      readonly fallback?: readonly string[] | undefined;
      /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
      readonly interfaceId?: string | undefined;
      /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
      readonly prefixLength?: number | undefined;
      /** False: updates are refused. Without it: true. */
      readonly enabled?: boolean | undefined;
      /** Its members. Without it: those that it has. */
      readonly members?: readonly MemberView[] | undefined;
    };
    result: HostView;
  };
  /** Changes the settings of a host that are sent; all others stay. */
  'PATCH /v1/hosts/{host}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Addresses that may be published. Of all rules the longest prefix decides. */
      readonly allow?: readonly string[] | undefined;
      /** Addresses that may not be published. */
      readonly deny?: readonly string[] | undefined;
      /** The TTL in seconds, if a request has none. Without it: that of the zone. */
      readonly ttl?: number | null | undefined;
      /** Sends a notice after this time in seconds without an update. 0 or absent: never. */
      readonly silentAfterSeconds?: number | undefined;
      /** Removes the addresses after this time in seconds without an update. 0 or absent: never. */
      readonly leaseSeconds?: number | undefined;
      /** Addresses that are published when the lease ends: at most eight of each family. */
      readonly fallback?: readonly string[] | undefined;
      /** The lower half of its own IPv6 address below a prefix. Without it: what the published AAAA record has. */
      readonly interfaceId?: string | null | undefined;
      /** An IPv6 address without a prefix moves the members into the prefix of this length around it. Without it: it moves none. */
      readonly prefixLength?: number | null | undefined;
      /** False: updates are refused. */
      readonly enabled?: boolean | undefined;
      /** Its members. Without it: those that it has. */
      readonly members?: readonly MemberView[] | undefined;
      /** Gives it to another user. For admins. */
      readonly owner?: string | null | undefined;
    };
    result: HostView;
  };
  /** Removes the settings of a host, its owner and its shares. Its records, history and tokens stay. */
  'DELETE /v1/hosts/{host}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: HostView;
  };
  /** Accepts updates of a host again. */
  'POST /v1/hosts/{host}/enable': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: HostView;
  };
  /** Refuses updates of a host. Its records stay. */
  'POST /v1/hosts/{host}/disable': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: HostView;
  };
  /** Publishes addresses of a host. */
  'POST /v1/hosts/{host}/addresses': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** One or two addresses, one of each family; none with `prefix`. */
      readonly ips: readonly string[];
      /** The TTL in seconds. Without it: that of the host or the zone. */
      readonly ttl?: number | string | undefined;
      /** Changes nothing, and says what would change. Without it: false. */
      readonly dry_run?: boolean | undefined;
      /** The host and its members move into it: `ips` may then be empty. */
      readonly prefix?: string | undefined;
      /** Waits until the secondaries of the zone serve the change, at most 8 seconds in all. */
      readonly wait?: 'secondaries' | undefined;
    };
    result: ChangedAddressesView;
  };
  /** Removes the A and AAAA records of a host. */
  'DELETE /v1/hosts/{host}/addresses': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Changes nothing, and says what would change. */
      readonly dry_run?: boolean | undefined;
    };
    result: ChangedAddressesView;
  };
  /** Says how a router or an update client is set up for a host: the fields as its own screen names them. */
  'GET /v1/hosts/{host}/instructions': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Like `fritzbox` or `ddclient`. */
      readonly client: string;
      /** The name of the token that the client has. */
      readonly token?: string | undefined;
      /** The URL at which clients reach the server. Without it: a word to replace. */
      readonly server?: string | undefined;
    };
    result: InstructionsView;
  };
  /** Shows the settings of a host with its members, without a query to the primary. */
  'GET /v1/hosts/{host}/members': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: HostView;
  };
  /** Makes a name a member of a host, or changes its address below the prefix. */
  'POST /v1/hosts/{host}/members': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** The owner name of the member, in the same zone. It may be the host itself. */
      readonly member: string;
      /** Its interface identifier. */
      readonly interfaceId?: string | undefined;
      /** The MAC address from which the interface identifier is made. */
      readonly mac?: string | undefined;
      /** The subnet of the member below a prefix that is shorter than /64. Without it: 0. */
      readonly subnet?: number | undefined;
    };
    result: HostView;
  };
  /** Removes a member from a host. Its records stay. */
  'DELETE /v1/hosts/{host}/members/{member}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** The owner name of the member, in the same zone. It may be the host itself. */
      readonly member: string;
    };
    result: HostView;
  };
  /** Lets another user see a host, or change its addresses and records. */
  'PUT /v1/hosts/{host}/shares/{user}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** The other user. */
      readonly user: string;
      /** `view`: see settings, addresses and history. `change`: also publish addresses and records, and make tokens for it. */
      readonly access: 'view' | 'change';
    };
    result: HostView;
  };
  /** Ends the share of a host with a user, in effect at the next request. */
  'DELETE /v1/hosts/{host}/shares/{user}': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** The other user. */
      readonly user: string;
    };
    result: HostView;
  };
  /** Lists hosts with their states, addresses, last faults and the changes of 90 days, without a query to a nameserver. A member sees own hosts and those that are shared. */
  'GET /v1/overview': {
    input: {
      /** Only hosts with this text in their name. */
      readonly search?: string | undefined;
      /** Only hosts in this state. */
      readonly state?: 'waiting' | 'silent' | 'lease-ended' | 'disabled' | 'never' | 'fresh' | undefined;
      /** `state`: the most urgent first; `seen`, `changed`: the newest first. Without it: `name`. */
      readonly sort?: 'name' | 'state' | 'seen' | 'changed' | undefined;
      /** Only hosts of this user. */
      readonly owner?: string | undefined;
      /** The most that one reply lists. Without it: 50. */
      readonly limit?: number | undefined;
      /** Begins behind an earlier page: its `next`. */
      readonly cursor?: string | undefined;
    };
    result: {
      /** The 90 days of `changes` and `faults`. */
      readonly days: {
        readonly first: string;
        readonly last: string;
      };
      readonly hosts: readonly HostInTheOverviewView[];
      /** The `cursor` of the next page; absent on the last one. It has no other meaning. */
      readonly next?: string;
    };
  };
  /** Says how many hosts are in each state. A member counts own hosts and those that are shared. */
  'GET /v1/overview/counts': {
    input: {
      /** Only hosts of this user. */
      readonly owner?: string | undefined;
    };
    result: {
      readonly total: number;
      readonly states: {
        readonly waiting: number;
        readonly silent: number;
        readonly 'lease-ended': number;
        readonly disabled: number;
        readonly never: number;
        readonly fresh: number;
      };
    };
  };
  /** Queries each nameserver of the zone for a host, and compares the answers with the addresses that the host should have. Takes up to five seconds. */
  'GET /v1/hosts/{host}/answers': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: {
      /** The owner name of the host. */
      readonly host: string;
      readonly time: string;
      /** The apex, with the final dot. */
      readonly zone: string;
      readonly zoneKind: 'embedded' | 'remote';
      /** The addresses that the host should have; a family is absent if that is not known. */
      readonly wanted: {
        readonly A?: readonly string[];
        readonly AAAA?: readonly string[];
      };
      /** Where `wanted` is from: an update that is not published yet, the history, or the answer of the primary itself. */
      readonly source: 'pending' | 'history' | 'primary' | 'none';
      readonly servers: readonly AnswerOfANameserverView[];
    };
  };
  /** Reads which addresses a host had and how long, newest first: one span begins when the span before it ends. */
  'GET /v1/hosts/{host}/timeline': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      readonly family: 'A' | 'AAAA';
      /** The number of spans. Without it: 50. */
      readonly limit?: number | undefined;
      /** Only spans before this one. */
      readonly before?: string | undefined;
    };
    result: {
      /** The owner name of the host. */
      readonly host: string;
      readonly family: 'A' | 'AAAA';
      readonly spans: readonly SpanOfTimeWithTheSameAddressesView[];
      /** What the oldest of these spans replaced; absent if that is not known, or there is no span. */
      readonly earlier?: readonly string[];
      /** The `before` of the next page; absent on the last one. */
      readonly next?: string;
    };
  };
  /** Reads the events of a host: changes, refusals and failures, newest first. */
  'GET /v1/hosts/{host}/history': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
      /** Also shows the addresses that the host had at this time: `past`. ISO 8601; in UTC if it ends with Z. */
      readonly at?: string | undefined;
      /** The number of events. Without it: 20. */
      readonly limit?: number | undefined;
      /** Only events with smaller ids. The first 12 digits are the milliseconds since 1970. */
      readonly before?: string | undefined;
    };
    result: {
      /** The owner name of the host. */
      readonly host: string;
      /** Newest first. */
      readonly events: readonly EventView[];
      /** There are older events: send the id of the last one, which `next` has too, as `before` to read them. */
      readonly more: boolean;
      /** The last update that was accepted. */
      readonly lastSeen?: string;
      /** Updates that changed nothing. */
      readonly repeats?: number;
      /** The addresses at the time that `at` named. */
      readonly past?: {
        readonly time: string;
        /** Absent if nothing is known of the family. */
        readonly A?: readonly string[];
        /** Absent if nothing is known of the family. */
        readonly AAAA?: readonly string[];
      };
      /** The `before` of the next page; absent on the last one. */
      readonly next?: string;
    };
  };
  /** Deletes all events of a host, and when it was last seen. */
  'DELETE /v1/hosts/{host}/history': {
    input: {
      /** The owner name of the host. */
      readonly host: string;
    };
    result: {
      /** The owner name of the host. */
      readonly host: string;
      /** The number of events that were deleted. */
      readonly events: number;
    };
  };
  /** Reads the events of all hosts: changes, refusals and failures, newest first. A member sees those of the hosts that the member sees. */
  'GET /v1/history': {
    input: {
      /** Only events with this outcome. */
      readonly outcome?: 'changed' | 'refused' | 'failed' | undefined;
      /** Only events of this token or key. */
      readonly token?: string | undefined;
      /** Only events of this client address. */
      readonly source?: string | undefined;
      /** Only events before this time. ISO 8601; in UTC if it ends with Z. */
      readonly until?: string | undefined;
      /** Only events at this time or later. ISO 8601; in UTC if it ends with Z. */
      readonly since?: string | undefined;
      /** The number of events. Without it: 20. */
      readonly limit?: number | undefined;
      /** Only events with smaller ids. The first 12 digits are the milliseconds since 1970. */
      readonly before?: string | undefined;
    };
    result: {
      /** Newest first. */
      readonly events: readonly EventWithItsHostView[];
      /** There are older events: send the id of the last one, which `next` has too, as `before` to read them. */
      readonly more: boolean;
      /** The `before` of the next page; absent on the last one. */
      readonly next?: string;
    };
  };
  /** Sends events as they happen (server-sent events). Of many a second it sends counts, and the events of the hosts that are watched. A member gets those of the hosts that the member sees. */
  'GET /v1/stream': {
    input: {
      /** Hosts to watch: their events are always sent. May be repeated. */
      readonly host?: readonly string[] | undefined;
      /** Begins with the events behind this one, like the header `Last-Event-ID`. */
      readonly last_event_id?: string | undefined;
    };
    result: string;
  };
  /** Lists the embedded zones with serial and secondaries, and the zones with another primary. */
  'GET /v1/zones': {
    input: Record<never, never>;
    result: {
      readonly zones: readonly EmbeddedZoneView[];
      /** Zones with another primary. Without a running server: none is listed. */
      readonly remote: readonly ZoneWithAnotherPrimaryView[];
    };
  };
  /** Shows an embedded zone with serial and secondaries. */
  'GET /v1/zones/{zone}': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
    };
    result: EmbeddedZoneView;
  };
  /** Lists the secondaries of an embedded zone with the serials that they serve. */
  'GET /v1/zones/{zone}/secondaries': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
    };
    result: {
      /** The SOA serial. */
      readonly serial: number;
      readonly secondaries: readonly SecondaryView[];
    };
  };
  /** Finds problems of a zone between its parent and this machine, like `dyndns doctor`. Changes nothing; takes up to half a minute. */
  'GET /v1/zones/{zone}/doctor': {
    input: {
      /** The apex of a zone of the configuration. */
      readonly zone: string;
    };
    result: {
      readonly findings: readonly FindingView[];
    };
  };
  /** Sends the zone as a zone file (RFC 1035 §5), of one version, sorted. */
  'GET /v1/zones/{zone}/file': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** With the records of the signer: keys, signatures and chain. Without it: 0. */
      readonly signed?: boolean | undefined;
    };
    result: string;
  };
  /** Imports a zone file, which is the body of the request, as dynamic data. The SOA and static records stay as they are. */
  'POST /v1/zones/{zone}/import': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** `replace` also removes dynamic RRsets that the file does not have. Without it: `merge`. */
      readonly mode?: 'merge' | 'replace' | undefined;
      /** Changes nothing, and reports what would change. Without it: 0. */
      readonly dry_run?: boolean | undefined;
    };
    result: {
      /** RRsets that were added. */
      readonly added: number;
      readonly changed: number;
      readonly unchanged: number;
      readonly removed: number;
      /** Records that were skipped and why: the first ones. */
      readonly skipped: readonly string[];
      readonly skippedCount: number;
      /** The SOA serial after the import. */
      readonly serial: number;
    };
  };
  /** Sets a later SOA serial (RFC 1982 §3.2), for a zone that was restored from a backup. */
  'POST /v1/zones/{zone}/serial': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** Later than the present one. */
      readonly serial: number;
    };
    result: {
      /** The SOA serial. */
      readonly before: number;
      /** The SOA serial. */
      readonly serial: number;
    };
  };
  /** Serves what is readable of a zone whose database lost changes or is damaged, under a serial later than every known one. */
  'POST /v1/zones/{zone}/recover': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** Later than the highest known one. Without it one is chosen. */
      readonly serial?: number | undefined;
    };
    result: {
      /** The SOA serial that the zone is served with. */
      readonly serial: number;
      readonly names: number;
      /** What was damaged: the first sentences. */
      readonly lost: readonly string[];
      readonly lostCount: number;
      /** The serial in the database; absent if the zone was not in it. */
      readonly before?: number;
      /** The highest serial that was known. */
      readonly known?: number;
    };
  };
  /** Deletes dynamic data that conflicts with static records and is therefore stored, but not served. Served data does not change. */
  'POST /v1/zones/{zone}/discard': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** The owner name. */
      readonly name: string;
      /** Without it: all types. */
      readonly type?: string | undefined;
    };
    result: {
      /** RRsets that were deleted. */
      readonly discarded: number;
    };
  };
  /** Shows whether an embedded zone is signed: its keys, the DS records for its parent, and when signatures expire. */
  'GET /v1/zones/{zone}/dnssec': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
    };
    result: {
      /** The apex, with the final dot. */
      readonly zone: string;
      /** `leaving`: signed, and the CDS record requests that the parent deletes its DS records (RFC 8078 §4). */
      readonly state: 'unsigned' | 'signed' | 'leaving';
      /** The SOA serial of the version that the other fields are about. */
      readonly serial: number;
      /** The DNSKEY records, by key tag. Empty for an unsigned zone. */
      readonly keys: readonly KeyOfASignedZoneView[];
      /** What proves that a name does not exist; absent for an unsigned zone. */
      readonly chain?: 'nsec' | 'nsec3';
      /** Absent for an unsigned zone. */
      readonly signatures?: {
        /** The number of signatures. */
        readonly count: number;
        /** When the first of them expires. */
        readonly earliestExpiration: string;
        /** When the last of them expires. */
        readonly latestExpiration: string;
        /** How many have expired. */
        readonly expired: number;
      };
      /** A change of the keys that is in progress; absent if none is. */
      readonly procedure?: {
        /** `first-signing`: the DS record of the first key is not given out yet. */
        readonly kind: 'first-signing' | 'rollover' | 'algorithm-change' | 'leaving';
        /** What is being made or waited for. */
        readonly step: 'signatures' | 'secondaries' | 'caches' | 'parent';
        /** The same in a sentence. */
        readonly text: string;
        /** Since when; a restart of the server may make it later. */
        readonly since: string;
        /** When the step ends; absent where that is not known. */
        readonly until?: string;
      };
      /** What is wrong with the keys on disk, and what to do; absent if nothing is. */
      readonly problem?: string;
    };
  };
  /** Lists the keys of an embedded zone that are on disk. */
  'GET /v1/zones/{zone}/keys': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
    };
    result: {
      readonly keys: readonly KeyOnDiskView[];
    };
  };
  /** Lists RRsets by owner name, in the order in which a page is quickest. A member sees those of the hosts that the member sees. */
  'GET /v1/zones/{zone}/rrsets': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** The owner name, absolute; the final dot may be left out. */
      readonly name?: string | undefined;
      /** The RR type, like `TXT`. */
      readonly type?: string | undefined;
      /** Only names with this text in them. */
      readonly search?: string | undefined;
      /** The most that one reply lists. Without it: 500. */
      readonly limit?: number | undefined;
      /** Begins behind an earlier page: its `next`. */
      readonly cursor?: string | undefined;
    };
    result: {
      /** The SOA serial. */
      readonly serial: number;
      readonly rrsets: readonly RRsetView[];
      /** The `cursor` of the next page; absent on the last one. It has no other meaning. */
      readonly next?: string;
    };
  };
  /** Changes RRsets in one commit: all changes are made, or none. `If-Match` with the serial refuses changes of a zone that was changed since. */
  'POST /v1/zones/{zone}/changes': {
    input: {
      /** The apex of the zone. */
      readonly zone: string;
      /** In their order. */
      readonly changes: readonly ChangeOfAnRRsetView[];
      /** Checks everything, and changes nothing. Without it: false. */
      readonly dry_run?: boolean | undefined;
    };
    result: {
      /** The serial that has the changes. */
      readonly serial: number;
      readonly changed: boolean;
      /** Of a dry run: the first 500 RRsets that the changes alter. */
      readonly differences?: readonly DifferenceOfAnRRsetView[];
    };
  };
  /** This document. */
  'GET /v1/openapi.json': {
    input: Record<never, never>;
    result: Readonly<Record<string, unknown>>;
  };
}
